/**
 * The descriptor against `onnx-proto`, generated from ONNX 1.10: every field that it knows has the same number, type and rule here, and
 * every model that it can read reads the same.
 */
import fs from 'node:fs';
import {createRequire} from 'node:module';
import path from 'node:path';
import test from 'ava';
import protobuf from 'protobufjs/light.js';
import {fromInteger, toBigInt, toNumber, toUnsignedBigInt} from '../../compiler/onnx/int64.js';
import {attributeTypeName, decodeModel, decodeTensor, encodeTensor, schema} from '../../compiler/onnx/schema.js';

type Message = Readonly<Record<string, unknown>>;
type Codec = {
	readonly prototype: Message;
	decode(bytes: Uint8Array): Message;
	encode(message: Message): {finish(): Uint8Array};
	toObject(message: Message, options: Message): Message;
	fromObject(message: Message): Message;
};
type Package = {readonly [name: string]: Codec & Package};

const {onnx} = createRequire(import.meta.url)('onnx-proto') as {onnx: Package};
const plain = {longs: String, enums: Number, bytes: String, defaults: false};

const types = (namespace: protobuf.NamespaceBase): protobuf.Type[] =>
	namespace.nestedArray.flatMap(nested =>
		nested instanceof protobuf.Type ? [nested, ...types(nested)] : nested instanceof protobuf.Namespace ? types(nested) : [],
	);

const lookUp = (type: protobuf.Type): Codec | undefined =>
	type.fullName
		.split('.')
		.slice(2)
		.reduce<Package | Codec | undefined>((found, name) => (found as Package | undefined)?.[name], onnx) as Codec | undefined;

/** A value that tells a field of one type from fields of the others. */
function sample(field: protobuf.Field): unknown {
	const value =
		field.resolve().resolvedType instanceof protobuf.Type
			? {}
			: field.resolvedType
				? 1
				: (
						{int64: '-3', uint64: '9223372036854775809', int32: -5, float: 0.5, double: 0.1, string: 'text', bytes: Buffer.from([1, 200])} as Readonly<
							Record<string, unknown>
						>
					)[field.type];
	return field.repeated ? [value, value] : value;
}

test('every field that onnx-proto knows is written and read alike', t => {
	let fields = 0;
	for (const type of types(schema)) {
		const theirs = lookUp(type);
		for (const field of theirs ? type.fieldsArray : []) {
			if (!(field.name in theirs!.prototype)) {
				continue;
			}

			fields++;
			const message = {[field.name]: sample(field)};
			const ours = type.encode(type.fromObject(message)).finish();
			const expected = type.toObject(type.decode(ours), plain);
			t.is(Object.keys(expected).length, 1, `${type.name}.${field.name} does not read back`);
			t.deepEqual({...theirs!.toObject(theirs!.decode(ours), plain)}, expected, `${type.name}.${field.name}, written here`);
			const written = theirs!.encode(theirs!.fromObject(message)).finish();
			t.deepEqual(type.toObject(type.decode(written), plain), expected, `${type.name}.${field.name}, written by onnx-proto`);
		}
	}

	t.true(fields > 90, `only ${fields} fields compared`);
});

test('no field that onnx-proto knows is missing', t => {
	const missing: string[] = [];
	const visit = (namespace: Package, name: string): void => {
		for (const [key, value] of Object.entries(namespace)) {
			if (typeof value.decode === 'function') {
				const type = schema.lookup(`${name}.${key}`);
				const fields = type instanceof protobuf.Type ? [...Object.keys(type.fields), ...type.oneofsArray.map(({name: oneof}) => oneof)] : [];
				missing.push(
					...Object.keys(value.prototype)
						.filter(field => field !== 'toJSON' && !fields.includes(field))
						.map(field => `${name}.${key}.${field}`),
				);
				visit(value, `${name}.${key}`);
			}
		}
	};

	visit(onnx, 'onnx');
	t.deepEqual(missing, []);
});

const folders = ['test/models', '../shared/models'].filter(folder => fs.existsSync(folder));
const models = folders.flatMap(folder => fs.readdirSync(folder).map(name => path.join(folder, name, 'model.onnx'))).filter(file => fs.existsSync(file));

/** Where two decoded messages first differ; undefined when they agree. A message's own bytes would be too much to print. */
function firstDifference(a: unknown, b: unknown, where = ''): string | undefined {
	if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) {
		return Object.is(a, b) ? undefined : `${where}: ${String(a).slice(0, 40)} / ${String(b).slice(0, 40)}`;
	}

	const [left, right] = [new Map<string, unknown>(Object.entries(a)), new Map<string, unknown>(Object.entries(b))];
	for (const key of new Set([...left.keys(), ...right.keys()])) {
		const difference = firstDifference(left.get(key), right.get(key), `${where}/${key}`);
		if (difference !== undefined) {
			return difference;
		}
	}

	return undefined;
}

for (const file of models) {
	test(`${file} reads as onnx-proto reads it`, t => {
		const bytes = fs.readFileSync(file);
		const type = schema.lookupType('onnx.ModelProto');
		const theirs = onnx['ModelProto']!;
		const known = theirs.decode(bytes);
		t.is(firstDifference(type.toObject(type.decode(bytes), plain), theirs.toObject(known, plain)), undefined);
		t.is(firstDifference(theirs.toObject(theirs.decode(type.encode(type.decode(bytes)).finish()), plain), theirs.toObject(known, plain)), undefined);
	});
}

test('raw data are views of the decoded buffer', t => {
	const bytes = Buffer.from(encodeTensor({name: 'w', rawData: new Uint8Array(64)}));
	t.is(decodeTensor(bytes).rawData.buffer, bytes.buffer);
});

test('an unknown attribute type is kept, so that it can be refused', t => {
	const type = schema.lookupType('onnx.AttributeProto');
	t.like(type.decode(type.encode({name: 'a', type: 99}).finish()), {type: 99});
	t.is(attributeTypeName(99), 'type 99');
	t.is(attributeTypeName(7), 'INTS');
});

test('fields of newer IR versions survive', t => {
	const type = schema.lookupType('onnx.NodeProto');
	const node = {
		opType: 'F',
		overload: 'o',
		metadataProps: [{key: 'k', value: 'v'}],
		deviceConfigurations: [
			{configurationId: 'c', shardingSpec: [{device: ['-1'], shardedDim: [{axis: '1', simpleSharding: [{dimParam: 'n', numShards: '2'}]}]}], pipelineStage: 3},
		],
	};
	t.deepEqual(type.toObject(type.decode(type.encode(type.fromObject(node)).finish()), plain), node as never);
});

test('64-bit integers keep sign and value', t => {
	for (const value of [0n, 1n, -1n, 2n ** 31n, -(2n ** 31n), 2n ** 53n + 1n, -(2n ** 63n), 2n ** 63n - 1n]) {
		const {int64Data} = decodeTensor(Buffer.from(encodeTensor({int64Data: [fromInteger(value)]})));
		t.is(toBigInt(int64Data[0]!), value);
	}

	t.is(toUnsignedBigInt(fromInteger(2n ** 64n - 1n)), 2n ** 64n - 1n);
	t.is(toNumber(fromInteger(-7)), -7);
	t.is(toNumber(fromInteger(-(2n ** 63n))), -(2 ** 63));
	t.true(BigInt(toNumber(fromInteger(2n ** 63n - 1n))) < 2n ** 63n, 'the largest integer may not become one that does not exist');
	t.is(toNumber(decodeModel(Buffer.from([8, 13])).irVersion), 13);
});
