/** The ONNX backend suite's cases of the math ops, and what is refused of them. */
import {mathOps} from '../../compiler/ops/math/index.js';
import {testBackendCases} from '../helpers/backend-cases.js';

const training = /training mode/;
const strings = /string \(8\)/;

/** One unit of bfloat16: the suite of ONNX 1.12 truncates where the specification rounds to the nearest. */
const truncated = 2 ** -7;

testBackendCases(
	mathOps,
	{
		test_batchnorm_epsilon_training_mode: training,
		test_batchnorm_example_training_mode: training,
		test_training_dropout: training,
		test_training_dropout_default: training,
		test_training_dropout_default_mask: training,
		test_training_dropout_mask: training,
		test_training_dropout_zero_ratio: training,
		test_training_dropout_zero_ratio_mask: training,
		test_cast_FLOAT_to_STRING: strings,
		test_cast_STRING_to_FLOAT: strings,
		test_castlike_FLOAT_to_STRING: strings,
		test_castlike_STRING_to_FLOAT: strings,
		test_identity_opt: /optional|sequence|tensor/,
		test_identity_sequence: /sequence|tensor/,
	},
	{test_cast_FLOAT_to_BFLOAT16: truncated, test_castlike_FLOAT_to_BFLOAT16: truncated},
);
