/**
 * A progress bar on a terminal, one line that is rewritten; silent where the stream is no terminal, so that logs stay clean.
 */
import type {Output} from './commands/command.js';

export type Progress = {
	update(stage: string, done: number, total: number): void;
	/** Removes the bar, so that what is printed next starts on a clean line. */
	end(): void;
};

const cells = 24;
/** Redrawing costs more than many steps do. */
const interval = 50;

export function createProgress(stream: Output, now: () => number = Date.now): Progress {
	if (!stream.isTTY) {
		return {update() {}, end() {}};
	}

	let drawn = -Infinity;
	let last = '';
	return {
		update(stage, done, total) {
			if (stage === last && done < total && now() - drawn < interval) {
				return;
			}

			drawn = now();
			last = stage;
			const share = total > 0 ? Math.min(1, Math.max(0, done / total)) : 0;
			const full = Math.round(share * cells);
			const line = `${'█'.repeat(full)}${'░'.repeat(cells - full)} ${String(Math.floor(share * 100)).padStart(3)} % ${stage}`;
			stream.write(`\r\u001B[K${line.slice(0, (stream.columns ?? 80) - 1)}`);
		},
		end() {
			if (last !== '') {
				stream.write('\r\u001B[K');
			}
		},
	};
}
