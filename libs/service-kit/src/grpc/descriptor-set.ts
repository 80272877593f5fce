const LENGTH_DELIMITED = 2;
const FILE_FIELD = 1;

/**
 * The encoded google.protobuf.FileDescriptorProtos of an encoded FileDescriptorSet, whose one field they are.
 * @throws RangeError where it is something else
 */
export function filesOf(descriptorSet: Uint8Array): Buffer[] {
  const bytes = Buffer.from(descriptorSet.buffer, descriptorSet.byteOffset, descriptorSet.byteLength);
  const files: Buffer[] = [];
  let at = 0;
  const varint = (): number => {
    let result = 0;
    for (let shift = 0; shift < 28; shift += 7) {
      const byte = bytes[at++];
      if (byte === undefined) break;
      result |= (byte & 0x7f) << shift;
      if (byte < 0x80) return result;
    }
    throw new RangeError('no FileDescriptorSet');
  };
  while (at < bytes.length) {
    if (varint() !== ((FILE_FIELD << 3) | LENGTH_DELIMITED)) throw new RangeError('no FileDescriptorSet');
    const length = varint();
    if (length > bytes.length - at) throw new RangeError('no FileDescriptorSet');
    files.push(bytes.subarray(at, at + length));
    at += length;
  }
  return files;
}
