import type { Command } from 'commander';

export function optionsTable(program: Command): string;
export function withOptionsTable(readme: string, table: string): string;
