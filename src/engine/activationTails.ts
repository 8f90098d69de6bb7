/**
 * Polynomials for GELU, SiLU and CELU without library functions.
 *
 * With a = |x|, GELU and SiLU are max(x, 0) - a t(a), where the tail t falls from 1/2 to 0: 1 - Phi(a) for GELU,
 * 1 / (1 + exp(a)) for SiLU. A tail is the reciprocal of an eighth power, (1 + a q(a))^8 with a polynomial q, which is
 * fitted where the tail matters and grows beyond: so the tail vanishes by itself. Fits are weighted minimax, coefficients
 * in ascending order.
 */

/** ((1/2) / (1 - Phi(a)))^(1/8) = 1 + a q(a), on [0, 5.4]. */
export const NORMAL_TAIL_ROOT = [
  0.09973502904176712, 0.0447704941034317, 0.008636107668280602, 0.0009378124377690256,
  0.00011512105265865102, 0.00012289243750274181, -3.839023702312261e-5, 1.1030435416614637e-5,
  -1.471043333367561e-6, 1.0531651639666961e-7,
];
/** 1 - a phi(a) / (1 - Phi(a)) = 1 + a q(a), on [0, 5.4]; phi is the normal density. */
export const NORMAL_TAIL_SLOPE = [
  -0.797894299030304, -0.6364858150482178, -0.10961100459098816, 0.02039545588195324, -0.0012264706892892718,
  -0.00040675740456208587, 0.0001014260487863794, -7.17636794433929e-6,
];
/** exp(a / 8) = 1 + a q(a), on [0, 18]. */
export const EXPONENTIAL_ROOT = [
  0.1249999925494194, 0.00781252607703209, 0.00032548815943300724, 1.0190591638092883e-5,
  2.492523663022439e-7, 6.04912653301426e-9, 3.65535934854222e-11, 3.5715625335691614e-12,
];
