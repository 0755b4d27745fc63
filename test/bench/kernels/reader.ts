/** A module that reads memory as fast as one thread can: four sums of vectors, 64 bytes a turn. */
import binaryen from 'binaryen';

export function readerModule(): Uint8Array {
	const sums = [0, 1, 2, 3];
	const module = binaryen.parseText(`(module (import "env" "memory" (memory 1 65536))
		(func (export "sum") (param $at i32) (param $end i32) (result i64) ${sums.map(index => `(local $s${index} v128)`).join(' ')}
			(loop $next
				${sums.map(index => `(local.set $s${index} (i64x2.add (local.get $s${index}) (v128.load offset=${16 * index} (local.get $at))))`).join('\n')}
				(local.set $at (i32.add (local.get $at) (i32.const 64)))
				(br_if $next (i32.lt_u (local.get $at) (local.get $end))))
			(i64x2.extract_lane 0 (i64x2.add (i64x2.add (local.get $s0) (local.get $s1)) (i64x2.add (local.get $s2) (local.get $s3))))))`);
	try {
		module.setFeatures(binaryen.Features.SIMD128);
		return module.emitBinary();
	} finally {
		module.dispose();
	}
}
