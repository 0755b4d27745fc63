/** WebGPU reads the bytes that WebAssembly reads: the WGSL kernel of bit planes against decode. */
import {existsSync, mkdtempSync, readFileSync, rmSync} from 'node:fs';
import {tmpdir} from 'node:os';
import path from 'node:path';
import test from 'ava';
import {planes, type PlanesParameters} from '../../compiler/codecs/planes.js';
import type {Shape} from '../../compiler/codecs/codec.js';
import {dot, normal, trainedWeight} from './harness.js';

const icd = '/usr/lib/chromium/vk_swiftshader_icd.json';
const directory = mkdtempSync(path.join(tmpdir(), 'snug-webgpu-'));
test.after.always(() => rmSync(directory, {recursive: true, force: true}));

// Dawn ends the process when its instance is collected while a device is in use.
let instance: GPU | undefined;

/** A device of Dawn on SwiftShader, where both are installed. */
async function findDevice(): Promise<GPUDevice | undefined> {
	if (!existsSync(icd)) {
		return undefined;
	}

	process.env['VK_ICD_FILENAMES'] = icd;
	process.env['XDG_RUNTIME_DIR'] ??= directory;
	const {create, globals} = await import('webgpu');
	Object.assign(globalThis, globals);
	instance = create(['backend=vulkan']);
	const adapter = await instance.requestAdapter();
	return adapter ? adapter.requestDevice() : undefined;
}

const source = readFileSync(new URL('../../targets/webgpu/kernels/matvec_planes.wgsl', import.meta.url), 'utf8');

async function multiply(
	device: GPUDevice,
	parts: readonly Uint8Array[],
	{rows, columns}: Shape,
	{bits, group}: PlanesParameters,
	x: Float32Array,
): Promise<Float32Array> {
	const buffer = (bytes: number, usage: number, data?: Uint8Array): GPUBuffer => {
		const made = device.createBuffer({size: Math.ceil(bytes / 16) * 16, usage: usage | GPUBufferUsage.COPY_DST});
		if (data) {
			const whole = new Uint8Array(Math.ceil(data.length / 4) * 4);
			whole.set(data);
			device.queue.writeBuffer(made, 0, whole);
		}

		return made;
	};

	const offsets: number[] = [];
	let end = 0;
	for (const part of parts) {
		offsets.push(end);
		end += Math.ceil(part.length / 256) * 256;
	}

	const code = new Uint8Array(end);
	for (const [index, part] of parts.entries()) {
		code.set(part, offsets[index]);
	}

	const words = offsets.map(offset => offset / 4);
	const shape = Uint32Array.from([rows, columns, words[0]!, words[bits === 3 ? 1 : 0]!, ...words.slice(-2), 0, 0]);
	const y = buffer(4 * rows, GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_SRC);
	const result = device.createBuffer({size: 4 * rows, usage: GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST});
	const pipeline = device.createComputePipeline({
		layout: 'auto',
		compute: {module: device.createShaderModule({code: source}), entryPoint: 'matvec_planes', constants: {BITS: bits, GROUP: group}},
	});
	const bindings = [
		y,
		buffer(4 * columns, GPUBufferUsage.STORAGE, new Uint8Array(x.buffer)),
		buffer(end, GPUBufferUsage.STORAGE, code),
		buffer(shape.byteLength, GPUBufferUsage.UNIFORM, new Uint8Array(shape.buffer)),
	];
	const encoder = device.createCommandEncoder();
	const pass = encoder.beginComputePass();
	pass.setPipeline(pipeline);
	pass.setBindGroup(
		0,
		device.createBindGroup({layout: pipeline.getBindGroupLayout(0), entries: bindings.map((made, binding) => ({binding, resource: {buffer: made}}))}),
	);
	pass.dispatchWorkgroups(Math.ceil(rows / 16));
	pass.end();
	encoder.copyBufferToBuffer(y, 0, result, 0, 4 * rows);
	device.queue.submit([encoder.finish()]);
	await result.mapAsync(GPUMapMode.READ);
	const values = new Float32Array(result.getMappedRange().slice(0));
	for (const made of [...bindings, result]) {
		made.destroy();
	}

	return values;
}

test('the WGSL kernel of bit planes is decode times the input, from the same bytes', async t => {
	const device = await findDevice();
	if (device === undefined) {
		t.log('skipped: no WebGPU adapter');
		t.pass();
		return;
	}

	for (const shape of [
		{rows: 5, columns: 40},
		{rows: 64, columns: 256},
		{rows: 83, columns: 333},
	]) {
		for (const parameters of planes.options(shape)) {
			const parts = planes.encode(trainedWeight(shape, 7), parameters);
			const decoded = planes.decode(parts, shape, parameters, 0, shape.rows);
			const x = normal(shape.columns, 3);
			const y = await multiply(device, parts, shape, parameters, x);
			for (let row = 0; row < shape.rows; row++) {
				const {sum, magnitude} = dot(decoded, x, row * shape.columns, 0, shape.columns);
				t.true(Math.abs(y[row]! - sum) <= 1e-5 * magnitude, `${JSON.stringify(parameters)} row ${row}: ${y[row]} against ${sum}`);
			}
		}
	}

	device.destroy();
});
