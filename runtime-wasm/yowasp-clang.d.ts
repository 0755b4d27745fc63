declare module '@yowasp/clang' {
	export type Tree = Record<string, Uint8Array | string>;
	export type Options = {stdout?(bytes: Uint8Array | null): void; stderr?(bytes: Uint8Array | null): void; fetchProgress?(): void};
	/** Without arguments it only downloads and compiles the toolchain's own module. */
	type Run = (arguments_?: readonly string[], files?: Tree, options?: Options) => Promise<Tree>;
	export const runClang: Run;
	export const runLLVM: Run;
}
