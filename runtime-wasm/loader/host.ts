/**
 * What differs between browsers and Node, on the page's side and on the worker's. The builds for `snug/runtime` replace this module
 * by one of the two; the `snug.js` of a bundle carries both and picks here.
 */
import {host as browser} from './host.browser.js';
import {host as node} from './host.node.js';
import type {Host} from './host-type.js';

export const host: Host = node.present ? node : browser;
