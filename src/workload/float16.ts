/** Numbers of 16 bits, IEEE 754 binary16: what typed arrays of Node 20 do not have. */

const bits = new DataView(new ArrayBuffer(4));

/** The value of float16 bits. */
export function float16ToNumber(half: number): number {
  const exponent = (half >>> 10) & 31;
  const fraction = half & 1023;
  const magnitude =
    exponent === 31
      ? fraction > 0
        ? Number.NaN
        : Number.POSITIVE_INFINITY
      : exponent === 0
        ? fraction * 2 ** -24
        : (1024 + fraction) * 2 ** (exponent - 25);
  return (half & 0x8000) === 0 ? magnitude : -magnitude;
}

/** Float16 bits of the nearest number, ties to even; infinity from 65520 on. */
export function numberToFloat16(value: number): number {
  bits.setFloat32(0, value);
  const sign = (bits.getUint32(0) >>> 16) & 0x8000;
  const magnitude = Math.abs(value);
  if (Number.isNaN(value)) return sign | 0x7e00;
  if (magnitude >= 65520) return sign | 0x7c00;
  const exponent = Math.max(magnitude === 0 ? -14 : Math.floor(Math.log2(magnitude)), -14);
  const scaled = magnitude / 2 ** (exponent - 10);
  const low = Math.floor(scaled);
  const rest = scaled - low;
  const rounded = rest > 0.5 || (rest === 0.5 && low % 2 === 1) ? low + 1 : low;
  // A carry out of the fraction is the next exponent, whose fraction is 0: adding does both.
  return sign | (rounded < 1024 ? rounded : ((exponent + 14) << 10) + rounded);
}

/** The nearest bfloat16 number of a float32 one, ties to even. */
export function roundToBfloat16(value: number): number {
  bits.setFloat32(0, value);
  const word = bits.getUint32(0);
  bits.setUint32(0, ((word + 0x7fff + ((word >>> 16) & 1)) & 0xffff0000) >>> 0);
  return bits.getFloat32(0);
}
