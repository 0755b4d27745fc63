import {existsSync, readFileSync} from 'node:fs';

const sources = new URL('../package.json', import.meta.url);
const file = existsSync(sources) ? sources : new URL('../../package.json', import.meta.url);

export const {version} = JSON.parse(readFileSync(file, 'utf8')) as {version: string};
