/** Attributes of a TensorFlow node in the JSON form of protocol buffers: integers are texts, texts are base64. */

export type Attributes = Readonly<Record<string, unknown>>;

/** The type of what an operator computes on. */
export const TYPE: Attributes = { T: { type: 'DT_FLOAT' } };

export const word = (text: string): unknown => ({ s: Buffer.from(text).toString('base64') });
export const integer = (value: number): unknown => ({ i: String(value) });
export const real = (value: number): unknown => ({ f: value });
export const switchOf = (value: boolean): unknown => ({ b: value });
export const list = (values: readonly number[]): unknown => ({ list: { i: values.map(String) } });

/** Of a constant or an input. */
export const floats = (shape: readonly number[]): Attributes => typed('DT_FLOAT', shape);
export const integers = (shape: readonly number[]): Attributes => typed('DT_INT32', shape);

export function shapeOf(shape: readonly number[]): unknown {
  return { dim: shape.map((size) => ({ size: String(size) })) };
}

function typed(type: string, shape: readonly number[]): Attributes {
  const tensorShape = shapeOf(shape);
  // A constant has its values in the weights' files.
  return { dtype: { type }, shape: { shape: tensorShape }, value: { tensor: { dtype: type, tensorShape } } };
}
