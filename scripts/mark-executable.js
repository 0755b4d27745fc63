/** The compiler writes plain files; where npm has linked the command already, as `npx snug` does in a clone, nobody else marks the new file. */
import {chmodSync} from 'node:fs';
import {URL} from 'node:url';

chmodSync(new URL('../dist/compiler/cli.js', import.meta.url), 0o755);
