/**
 * The definition of an option: the only place that says what it is called, what it may be and what it does. The flag, the
 * key in config files, every check, the help, the reference in docs/cli.md, the library's type and the rule for resumed
 * runs all follow from it.
 */

import type { OptionValue, TextForm, ValueKind } from './kind.js';

export type OptionGroup =
  | 'Data'
  | 'Network'
  | 'Length of the run'
  | 'Batches'
  | 'Optimizer'
  | 'Learning rate'
  | 'Regularisation'
  | 'Reproducibility'
  | 'Engine'
  | 'Run'
  | 'Connection'
  | 'Cluster';

/** What the trained weights depend on. */
export type BitsRule =
  /** Part of the recipe: another value gives other weights. */
  | 'recipe'
  /** The bits are those of the engine's numerics class. */
  | 'numerics class'
  /** It stands for options of the recipe, which a run keeps in its place. */
  | 'the options it stands for'
  | 'no';

export type ResumeRule =
  /** A resumed run keeps it; another value is refused. */
  | { readonly kind: 'kept' }
  /** A resumed run keeps it unless it is given again. */
  | { readonly kind: 'changeable'; readonly unless?: Condition }
  /** A resumed run has its default unless it is given again. */
  | { readonly kind: 'notRemembered' };

/** Holds where the other option has one of these values. */
export interface Condition {
  readonly option: string;
  readonly is: readonly OptionValue[];
}

/** @param values by key; an option that is not among them is not judged */
export function isMet(condition: Condition | undefined, values: object): boolean {
  if (condition === undefined) return true;
  const actual = (values as Readonly<Record<string, OptionValue | undefined>>)[condition.option];
  return actual === undefined || condition.is.includes(actual);
}

/**
 * @typeParam Value what a finished recipe or setting holds
 * @typeParam Request what a user may give; more than `Value` where a word such as `auto` is decided later
 */
export interface OptionDefinition<Value = unknown, Request = unknown> {
  readonly group: OptionGroup;
  /** What a user may give. */
  readonly kind: ValueKind;
  /** What a finished recipe may hold. */
  readonly settledKind: ValueKind;
  /** Undefined: no value unless given. */
  readonly default: OptionValue | undefined;
  /** The default in words, where the value does not say it. */
  readonly defaultText?: string | undefined;
  /** The default where it follows from other options. */
  readonly defaultFrom?: ((others: Readonly<Record<string, unknown>>) => OptionValue) | undefined;
  /** The value in files of versions that did not know the option. It must be what those versions did. */
  readonly inOlderFiles?: OptionValue | undefined;
  readonly help: string;
  /** What stands for the value in the help. */
  readonly placeholder: string;
  /** Of a duration. Programs give it in milliseconds. */
  readonly unit?: 'seconds' | undefined;
  readonly example: string;
  /** It has no effect otherwise, so giving it then is refused. */
  readonly onlyWith?: Condition | undefined;
  /** Another number, which this one must stay below. */
  readonly belowOption?: string | undefined;
  readonly bits: BitsRule;
  /** Undefined: kept if it is part of the recipe, else changeable. */
  readonly resume?: ResumeRule | undefined;
  /** A setting of this option: if that one is given again, a resumed run does not keep this one. */
  readonly partOf?: string | undefined;
  /** Given again, it makes what a resumed run remembers of these wrong. */
  readonly replaces?: readonly string[] | undefined;
  /** A file or folder: config.json holds its absolute path. */
  readonly isPath?: boolean | undefined;
  /** The environment variable that stands in for the flag. */
  readonly environment?: string | undefined;
  /** For the compiler only; never set. */
  readonly types?: { readonly value: Value; readonly request: Request };
}

export type OptionDefinitions = Readonly<Record<string, OptionDefinition>>;

/** The values of a set of options, by key. */
export type ValuesOf<Definitions extends OptionDefinitions> = {
  readonly [Key in keyof Definitions]: Definitions[Key] extends OptionDefinition<infer Value> ? Value : never;
};

/** What may be asked for. */
export type RequestsOf<Definitions extends OptionDefinitions> = {
  readonly [Key in keyof Definitions]: Definitions[Key] extends OptionDefinition<unknown, infer Request>
    ? Request
    : never;
};

/** What a constructor below takes besides the bounds of its kind. */
type Spec<Request> = Partial<Omit<OptionDefinition, 'types' | 'kind' | 'settledKind' | 'default'>> & {
  readonly group: OptionGroup;
  readonly help: string;
  readonly default: Request;
};

export function integer(
  spec: Spec<number> & { readonly min: number; readonly max?: number },
): OptionDefinition<number, number> {
  const { min, max, ...rest } = spec;
  return define(
    { kind: 'integer', min, ...(max === undefined ? {} : { max }) },
    { placeholder: 'n', ...rest },
  );
}

/** An integer, or null for none. */
export function limit(
  spec: Omit<Spec<null>, 'default'> & { readonly min: number; readonly max?: number },
): OptionDefinition<number | null, number | null> {
  const { min, max, ...rest } = spec;
  const bounds = { min, ...(max === undefined ? {} : { max }) };
  return define({ kind: 'integer', ...bounds, orNone: true }, { placeholder: 'n', ...rest, default: null });
}

export function number(
  spec: Spec<number> & { readonly min?: number; readonly above?: number; readonly below?: number },
): OptionDefinition<number, number> {
  const { min, above, below, ...rest } = spec;
  const bounds = Object.entries({ min, above, below }).filter(([, bound]) => bound !== undefined);
  return define({ kind: 'number', ...Object.fromEntries(bounds) }, { placeholder: 'x', ...rest });
}

/** A duration. */
export type SecondsDefinition = OptionDefinition<number, number> & { readonly unit: 'seconds' };

export function seconds(spec: Omit<Parameters<typeof number>[0], 'placeholder' | 'unit'>): SecondsDefinition {
  return { ...number({ placeholder: 'seconds', ...spec }), unit: 'seconds' };
}

export function integers(
  spec: Spec<readonly number[]> & { readonly min: number },
): OptionDefinition<readonly number[], readonly number[]> {
  const { min, ...rest } = spec;
  return define({ kind: 'integers', min }, { placeholder: 'list', ...rest });
}

export function oneOf<const Value extends string>(
  spec: Spec<NoInfer<Value>> & { readonly of: readonly Value[] },
): OptionDefinition<Value, Value> {
  const { of, ...rest } = spec;
  return define({ kind: 'choice', of }, { placeholder: 'name', ...rest });
}

/**
 * One of a few words, which a finished recipe holds another text for: a word such as `auto` is decided before anything
 * begins, and a program may choose what no word stands for.
 */
export function oneOfSettledAs<const Word extends string>(
  spec: Spec<NoInfer<Word>> & {
    readonly of: readonly Word[];
    readonly also?: TextForm;
    readonly settledForm: TextForm;
  },
): OptionDefinition<string, string> {
  const { of, also, settledForm, ...rest } = spec;
  const kind = { kind: 'choice', of, ...(also === undefined ? {} : { also }) } as const;
  return define(kind, { placeholder: 'name', ...rest }, textOf(settledForm));
}

/** @param spec `settledForm`: what a finished recipe may hold, where that differs from what a user may give */
export function text<Value extends string | undefined = string>(
  spec: Spec<Value> & { readonly form?: TextForm; readonly settledForm?: TextForm },
): OptionDefinition<Value, Value> {
  const { form, settledForm = form, ...rest } = spec;
  return define(textOf(form), { placeholder: 'text', ...rest }, textOf(settledForm));
}

function textOf(form: TextForm | undefined): ValueKind {
  return { kind: 'text', ...(form === undefined ? {} : { form }) };
}

/** If it is on by default, the command line can only turn it off. */
export function flag(spec: Spec<boolean>): OptionDefinition<boolean, boolean> {
  return define({ kind: 'switch' }, { placeholder: '', ...spec, example: String(!spec.default) });
}

type Unfinished = Omit<Spec<OptionValue | undefined>, 'placeholder'> & { readonly placeholder: string };

function define<Value, Request>(
  kind: ValueKind,
  spec: Unfinished,
  settledKind: ValueKind = kind,
): OptionDefinition<Value, Request> {
  const { default: byDefault } = spec;
  return {
    bits: 'no',
    example: byDefault === undefined || byDefault === null ? '' : String(byDefault),
    ...spec,
    kind,
    settledKind,
  };
}

/**
 * The same option of a command that trains nothing: same name and bounds.
 * @param change `default`: undefined for none
 */
export function variant<Value, Request, Default extends OptionValue | undefined>(
  definition: OptionDefinition<Value, Request>,
  change: { readonly default: Default; readonly help: string },
): OptionDefinition<Value | Extract<Default, undefined>, Request | Extract<Default, undefined>> {
  const { types: _, ...rest } = definition;
  return { ...rest, defaultFrom: undefined, onlyWith: undefined, bits: 'no', ...change };
}

/** Marks options that decide the weights. */
export function recipeOptions<Definitions extends OptionDefinitions>(definitions: Definitions): Definitions {
  const marked = Object.entries(definitions).map(([key, definition]) => [
    key,
    { ...definition, bits: 'recipe' },
  ]);
  return Object.fromEntries(marked) as Definitions;
}

export function resumeRuleOf({ resume, bits }: OptionDefinition): ResumeRule {
  return resume ?? { kind: bits === 'recipe' ? 'kept' : 'changeable' };
}
