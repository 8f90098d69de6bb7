/** Writes residual networks layer by layer. */

import { IMAGES_NAME } from './model.js';
import { NetworkBuilder } from './networkBuilder.js';

/** What stands beside a block's convolutions where it changes the shape. */
export type ShortcutKind =
  /** Every second pixel, and zeros for the channels that are new: option A of arXiv:1512.03385. */
  | 'identity'
  /** A 1x1 convolution, and batch normalisation if the block ends in one: option B. */
  | 'projection';

export class ResidualBuilder extends NetworkBuilder {
  /** @param channels of the top layer, at first of the images */
  constructor(
    private channels: number,
    private readonly shortcutKind: ShortcutKind,
  ) {
    super();
  }

  stem(name: string, channels: number): string {
    const top = this.convolutionAndNormalisation(name, '', IMAGES_NAME, channels, 1);
    this.channels = channels;
    return this.relu(`${name}.relu`, top);
  }

  /** Without normalisation, for blocks that begin with it. */
  bareStem(name: string, channels: number): string {
    this.channels = channels;
    return this.convolution(`${name}.conv`, IMAGES_NAME, channels);
  }

  /** y = relu(bn(conv(relu(bn(conv(x))))) + shortcut(x)). */
  residualBlock(name: string, input: string, channels: number, stride: 1 | 2): string {
    let branch = this.convolutionAndNormalisation(name, '1', input, channels, stride);
    branch = this.relu(`${name}.relu1`, branch);
    branch = this.convolutionAndNormalisation(name, '2', branch, channels, 1);
    let short = input;
    if (!this.isSameShape(channels, stride)) {
      short = this.changed(`${name}.shortcut`, input, channels, stride);
      if (this.shortcutKind === 'projection') short = this.batchNormalisation(`${name}.norm3`, short);
    }
    this.channels = channels;
    return this.relu(`${name}.relu2`, this.add(`${name}.add`, branch, short));
  }

  /**
   * y = conv(relu(bn(conv(relu(bn(x)))))) + x (arXiv:1603.05027). Where it changes the shape, a projection reads relu(bn(x)),
   * as in the code of arXiv:1605.07146, and an identity reads x.
   */
  preActivationBlock(name: string, input: string, channels: number, stride: 1 | 2): string {
    const activated = this.activation(name, '1', input);
    let branch = this.convolution(`${name}.conv1`, activated, channels, stride);
    branch = this.convolution(`${name}.conv2`, this.activation(name, '2', branch), channels);
    const from = this.shortcutKind === 'projection' ? activated : input;
    const isSame = this.isSameShape(channels, stride);
    const short = isSame ? input : this.changed(`${name}.shortcut`, from, channels, stride);
    this.channels = channels;
    return this.add(`${name}.add`, branch, short);
  }

  /** Batch normalisation and ReLU. */
  activation(name: string, suffix: string, input: string): string {
    return this.relu(`${name}.relu${suffix}`, this.batchNormalisation(`${name}.norm${suffix}`, input));
  }

  private isSameShape(channels: number, stride: 1 | 2): boolean {
    return stride === 1 && this.channels === channels;
  }

  private changed(name: string, input: string, channels: number, stride: 1 | 2): string {
    if (this.shortcutKind === 'identity') return this.shortcut(name, input, channels, stride);
    return this.convolution(name, input, channels, stride, { kernelSize: 1 });
  }

  private convolutionAndNormalisation(
    name: string,
    suffix: string,
    input: string,
    channels: number,
    stride: 1 | 2,
  ): string {
    const convolved = this.convolution(`${name}.conv${suffix}`, input, channels, stride);
    return this.batchNormalisation(`${name}.norm${suffix}`, convolved);
  }
}
