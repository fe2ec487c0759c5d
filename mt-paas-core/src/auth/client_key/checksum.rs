//! The checksum of a key.

use super::base62::ALPHABET;

/// Characters of a checksum: 62⁶ is the first power of 62 above 2³².
pub(super) const LENGTH: usize = 6;

/// The CRC-32 of `bytes` in base 62, with leading zeros.
///
/// A CRC-32 tells apart any two texts that differ within 32 neighbouring bits only, hence every single wrong character
/// and every swap of neighbours inside the text that it covers.
pub(super) fn checksum(bytes: &[u8]) -> [u8; LENGTH] {
    let mut rest = crc32(bytes);
    let mut text = [ALPHABET[0]; LENGTH];
    for place in text.iter_mut().rev() {
        *place = ALPHABET[(rest % 62) as usize];
        rest /= 62;
    }
    text
}

/// CRC-32/ISO-HDLC: reflected polynomial 0xEDB88320, all ones before and after, as in zlib and PNG.
fn crc32(bytes: &[u8]) -> u32 {
    let step = |crc: u32, byte: &u8| (crc >> 8) ^ TABLE[((crc ^ u32::from(*byte)) & 0xff) as usize];
    !bytes.iter().fold(u32::MAX, step)
}

/// What each byte does to the sum.
const TABLE: [u32; 256] = {
    let mut table = [0; 256];
    let mut byte = 0;
    while byte < table.len() {
        let mut crc = byte as u32;
        let mut bit = 0;
        while bit < 8 {
            crc = (crc >> 1) ^ (0xedb8_8320 & (crc & 1).wrapping_neg());
            bit += 1;
        }
        table[byte] = crc;
        byte += 1;
    }
    table
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_are_those_of_zlib() {
        // The check value of the catalogue of CRCs, and `zlib.crc32` of Python 3.11 for the other.
        assert_eq!(crc32(b"123456789"), 0xcbf4_3926);
        assert_eq!(crc32(b""), 0);
        assert_eq!(crc32(b"mtp_live_"), 0xdb41_629e);
        assert_eq!(&checksum(b""), b"000000");
        assert_eq!(&checksum(b"123456789"), b"3jZRME");
    }
}
