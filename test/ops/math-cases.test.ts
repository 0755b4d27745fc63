/** The ONNX backend suite's cases of the math ops. */
import {mathOps} from '../../compiler/ops/math/index.js';
import {testBackendCases} from '../helpers/backend-cases.js';

testBackendCases(mathOps);
