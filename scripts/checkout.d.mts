export function isInstalled(root: string): boolean;
export function isBuilt(root: string): boolean;
export function recordBuild(root: string, sources: string): void;
export function sourcesDigest(root: string): string;
export function builtFiles(root: string): string[];
export function filesIn(root: string, name: string): string[];
export function removeBuilt(root: string): void;
