/** The compiler as a library: what `import 'snug'` gives. */
export {compile, type CompileOptions, type CompileResult} from './compile.js';
export {SnugError, type ErrorDetail} from './error.js';
export {sweep, type SweepResult} from './sweep.js';
export {formatSize, parseSize} from './size.js';
export {decideBudget, findProfile, profileNames, profiles, type Budget, type Profile} from '../profiles/index.js';
