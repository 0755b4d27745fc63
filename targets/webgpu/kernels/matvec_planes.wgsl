// y = W x for bit planes, from the bytes of `runtime-wasm/kernels/planes.h`. A workgroup makes a block of 16 rows.
//
// A word of pairs holds two planes of two rows for eight columns, a word of the single plane four rows. All parts lie in one buffer, as
// devices need not offer more than eight storage buffers.

override BITS: u32;
override GROUP: u32;

struct Shape {
	rows: u32,
	columns: u32,
	// Word offsets of the parts in `code`.
	pairs: u32,
	plane: u32,
	scales: u32,
	zeros: u32,
}

@group(0) @binding(0) var<storage, read_write> y: array<f32>;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read> code: array<u32>;
@group(0) @binding(3) var<uniform> shape: Shape;

// Invocations: four rows each (lane & 3), every 16th octet of columns (lane >> 2).
var<workgroup> sums: array<vec4f, 64>;

fn bytes(word: u32) -> vec4f {
	return vec4f((vec4u(word) >> vec4u(0u, 8u, 16u, 24u)) & vec4u(255u));
}

@compute @workgroup_size(64)
fn matvec_planes(@builtin(workgroup_id) block: vec3u, @builtin(local_invocation_index) lane: u32) {
	let quad = lane & 3u;
	let groups = (shape.columns + GROUP - 1u) / GROUP;
	let octets = groups * GROUP / 8u;
	var total = vec4f(0);
	for (var octet = lane >> 2u; octet < octets; octet += 16u) {
		let at = (block.x * octets + octet) * 4u + quad;
		let pair = shape.pairs + 2u * at;
		let low = vec4u(code[pair], code[pair] >> 16u, code[pair + 1u], code[pair + 1u] >> 16u);
		let single = vec4u(code[shape.plane + at]) >> vec4u(0u, 8u, 16u, 24u);

		var sum = vec4f(0);
		var inputs = 0.0;
		for (var i = 0u; i < 8u; i++) {
			let column = 8u * octet + i;
			let input = select(0.0, x[min(column, shape.columns - 1u)], column < shape.columns);
			var codes = ((low >> vec4u(i)) & vec4u(1u)) | (((low >> vec4u(8u + i)) & vec4u(1u)) << vec4u(1u));
			if (BITS == 3u) {
				codes = (codes << vec4u(1u)) | ((single >> vec4u(i)) & vec4u(1u));
			}

			sum += vec4f(codes) * input;
			inputs += input;
		}

		let group = block.x * groups + octet * 8u / GROUP;
		let scale = vec4f(unpack2x16float(code[shape.scales + 8u * group + 2u * quad]), unpack2x16float(code[shape.scales + 8u * group + 2u * quad + 1u]));
		total += scale * (sum - bytes(code[shape.zeros + 4u * group + quad]) * (inputs / 8.0));
	}

	sums[lane] = total;
	for (var half = 32u; half >= 4u; half /= 2u) {
		workgroupBarrier();
		if (lane < half) {
			sums[lane] += sums[lane + half];
		}
	}

	if (lane < 4u) {
		for (var r = 0u; r < 4u; r++) {
			let row = 16u * block.x + 4u * lane + r;
			if (row < shape.rows) {
				y[row] = sums[lane][r];
			}
		}
	}
}
