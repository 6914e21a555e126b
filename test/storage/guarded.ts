import type { Verdict } from './cases.ts';
export async function guardedKapal(): Promise<Verdict[]> { return []; }
