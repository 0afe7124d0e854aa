/** A ground truth that cannot be used; the message says why. */
export class InvalidGroundTruth extends Error {
  override readonly name = "InvalidGroundTruth";
}
