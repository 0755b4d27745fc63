/** Resident memory of a process, as Linux tells it. Bytes; null where the system does not say. */
import {readFileSync} from 'node:fs';

export type ProcessMemory = {readonly now: number; readonly peak: number};

export function memoryOf(process: number): ProcessMemory | null {
	let status: string;
	try {
		status = readFileSync(`/proc/${process}/status`, 'utf8');
	} catch {
		return null;
	}

	const read = (name: string): number => Number(new RegExp(`^${name}:\\s+(\\d+) kB$`, 'm').exec(status)?.[1] ?? NaN) * 1024;
	const [now, peak] = [read('VmRSS'), read('VmHWM')];
	return Number.isNaN(now) || Number.isNaN(peak) ? null : {now, peak};
}
