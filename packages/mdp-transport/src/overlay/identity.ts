import { type Entropy, MspError, Sid } from "@meshstream/msp";
import sodium from "libsodium-wrappers";

/** Bytes of the seed that an identity is made from. */
export const SEED_BYTES = 32;

/** A combined identity: everything follows from its seed (docs/wire.md W1). Keep `seed` and `boxSecret` secret. */
export interface Identity {
  /** The network address: the signing key, converted to Curve25519. */
  readonly sid: Sid;
  /** The Ed25519 public key, 32 bytes. */
  readonly signingPublicKey: Uint8Array;
  /** 32 bytes. */
  readonly seed: Uint8Array;
  /** The Curve25519 secret, 32 bytes. */
  readonly boxSecret: Uint8Array;
}

/**
 * Make the identity of a 32-byte seed, or a new one if `source` is an Entropy (docs/wire.md W1). Rejects with MspError "argument" for a seed of another length.
 *
 * @example const { sid } = await createIdentity(systemEntropy);
 */
export async function createIdentity(source: Uint8Array | Entropy): Promise<Identity> {
  await sodium.ready;
  const seed = seedFrom(source);
  const signing = sodium.crypto_sign_seed_keypair(seed);
  return {
    sid: Sid.fromBytes(sodium.crypto_sign_ed25519_pk_to_curve25519(signing.publicKey)),
    signingPublicKey: signing.publicKey,
    seed,
    boxSecret: sodium.crypto_sign_ed25519_sk_to_curve25519(signing.privateKey),
  };
}

/**
 * The SID of a signing key (32 bytes), or undefined for bytes that are no key. Callable once `sodium.ready` has
 * resolved, which {@link createIdentity} and createOverlay wait for.
 */
export function sidOfSigningKey(signingKey: Uint8Array): Uint8Array | undefined {
  try {
    return sodium.crypto_sign_ed25519_pk_to_curve25519(signingKey);
  } catch {
    return undefined;
  }
}

/**
 * An identity's signature over its own SID, 64 bytes: proof that signing key and SID are one's (docs/wire.md W9.3).
 * Callable as {@link sidOfSigningKey} is.
 */
export function signSid({ sid, seed }: Identity): Uint8Array {
  return sodium.crypto_sign_detached(sid.bytes, sodium.crypto_sign_seed_keypair(seed).privateKey);
}

/** Whether 64 bytes are the signature of `sid` by `signingKey`, 32 bytes. Callable as {@link sidOfSigningKey} is. */
export function isSignedSid(signature: Uint8Array, sid: Sid, signingKey: Uint8Array): boolean {
  return sodium.crypto_sign_verify_detached(signature, sid.bytes, signingKey);
}

/**
 * Whether 32 bytes at `offset` name no possible peer: the special SIDs (docs/wire.md W1), and the points of low order,
 * whose shared key anyone can compute.
 */
export function isUnusableSid(bytes: Uint8Array, offset: number): boolean {
  if (isSpecial(bytes, offset)) return true;
  return LOW_ORDER.some((point) => {
    // The top bit of a point is ignored by the key agreement, so it must be here.
    if ((bytes[offset + 31]! & 0x7f) !== point[31]) return false;
    for (let i = 0; i < 31; i++) if (bytes[offset + i] !== point[i]) return false;
    return true;
  });
}

function seedFrom(source: Uint8Array | Entropy): Uint8Array {
  if (source instanceof Uint8Array) {
    if (source.length !== SEED_BYTES) {
      throw new MspError("argument", `an identity's seed has ${SEED_BYTES} bytes, not ${source.length}`);
    }
    return source.slice();
  }
  const seed = new Uint8Array(SEED_BYTES);
  source.fill(seed);
  return seed;
}

/** ANY and INTERNAL: 31 zero bytes, then any; BROADCAST: all 0xff. */
function isSpecial(bytes: Uint8Array, offset: number): boolean {
  const first = bytes[offset]!;
  if (first !== 0 && first !== 0xff) return false;
  for (let i = 1; i < 31; i++) if (bytes[offset + i] !== first) return false;
  return first === 0 || bytes[offset + 31] === 0xff;
}

// The u-coordinates of low order on Curve25519 and its twist, as 32 little-endian bytes; 0 is a special SID already.
const LOW_ORDER: readonly Uint8Array[] = [
  `01${"00".repeat(31)}`,
  "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
  "5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
  `ec${"ff".repeat(30)}7f`,
  `ed${"ff".repeat(30)}7f`,
  `ee${"ff".repeat(30)}7f`,
].map((hex) => Uint8Array.from(hex.match(/../g) ?? [], (byte) => Number.parseInt(byte, 16)));
