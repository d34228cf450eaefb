//! Keys out of passwords, and how much work that may be.

use std::num::NonZeroU32;

use ring::pbkdf2;
use zeroize::Zeroizing;

use super::KeystoreError;
use super::hash::Hash;

/// Iterations in what is made here: as many as Java does, and five times OpenSSL's. certctl's own passwords cannot be
/// guessed whatever the number, and a server does this work, several times over, whenever it loads its key store.
pub(super) const OWN_ITERATIONS: NonZeroU32 = NonZeroU32::new(10_000).unwrap();

/// The work that opening things may still ask for. Whoever sends them says how much each try of a password costs, so
/// all tries on all that came together come out of one budget.
#[derive(Debug, Clone)]
pub struct Budget {
    left: u64,
}

impl Budget {
    /// Iterations: some seconds. OpenSSL does 2,048 where nothing else is asked for, Java 10,000, password managers a
    /// million.
    pub const ITERATIONS: u64 = 10_000_000;
    /// `N · r · p` of one scrypt, each of which is 128 bytes of memory at most, 256 MiB, and no more work than an
    /// iteration.
    const SCRYPT: u64 = 1 << 21;
    /// So many bytes are read, hashed and decrypted in the time of an iteration.
    const BYTES: usize = 64;

    /// The iterations that are left.
    #[must_use]
    pub const fn left(&self) -> u64 {
        self.left
    }

    fn spend(&mut self, iterations: u64) -> Result<(), KeystoreError> {
        match self.left.checked_sub(iterations) {
            Some(left) => self.left = left,
            None => {
                return Err(KeystoreError::TooManyIterations { iterations, left: self.left, limit: Self::ITERATIONS });
            }
        }
        Ok(())
    }

    /// Takes away what one try on so many bytes costs, whatever they are.
    pub(super) fn bytes(&mut self, bytes: &[u8]) -> Result<(), KeystoreError> {
        self.spend(u64::try_from(bytes.len() / Self::BYTES).unwrap_or(u64::MAX))
    }

    /// Takes away what an INTEGER asks for, before it is done.
    pub(super) fn iterations(&mut self, digits: &[u8]) -> Result<NonZeroU32, KeystoreError> {
        let iterations = number(digits);
        self.spend(iterations)?;
        let iterations = u32::try_from(iterations).ok().and_then(NonZeroU32::new);
        iterations.ok_or(KeystoreError::Damaged { what: "the number of iterations" })
    }

    /// The same of what scrypt asks for: its `N`, `r` and `p`.
    pub(super) fn scrypt(&mut self, [n, r, p]: [&[u8]; 3]) -> Result<scrypt::Params, KeystoreError> {
        let damaged = || KeystoreError::Damaged { what: "the parameters of scrypt" };
        let (n, r, p) = (number(n), number(r), number(p));
        let work = n.saturating_mul(r).saturating_mul(p);
        if work > Self::SCRYPT {
            return Err(KeystoreError::TooMuchMemory { limit: Self::SCRYPT * 128 });
        }
        self.spend(work)?;
        let power = n.is_power_of_two().then(|| n.trailing_zeros()).and_then(|power| u8::try_from(power).ok());
        let (r, p) = (u32::try_from(r).ok(), u32::try_from(p).ok());
        let (Some(power), Some(r), Some(p)) = (power, r, p) else { return Err(damaged()) };
        scrypt::Params::new(power, r, p).map_err(|_| damaged())
    }
}

impl Default for Budget {
    fn default() -> Self {
        Self { left: Self::ITERATIONS }
    }
}

/// An unsigned number; one that is too long is as large as can be.
fn number(digits: &[u8]) -> u64 {
    let digit = |number: u64, &digit: &u8| number.checked_mul(256)?.checked_add(u64::from(digit));
    digits.iter().try_fold(0, digit).unwrap_or(u64::MAX)
}

/// PBKDF2 (RFC 8018, section 5.2).
pub(super) fn pbkdf2(
    prf: pbkdf2::Algorithm,
    password: &[u8],
    salt: &[u8],
    iterations: NonZeroU32,
    length: usize,
) -> Zeroizing<Vec<u8>> {
    let mut key = Zeroizing::new(vec![0; length]);
    pbkdf2::derive(prf, iterations, salt, password, &mut key);
    key
}

/// scrypt (RFC 7914); `None` if it does not give keys of that length.
pub(super) fn scrypt(
    parameters: &scrypt::Params,
    password: &[u8],
    salt: &[u8],
    length: usize,
) -> Option<Zeroizing<Vec<u8>>> {
    let mut key = Zeroizing::new(vec![0; length]);
    scrypt::scrypt(password, salt, parameters, &mut key).ok()?;
    Some(key)
}

/// What PKCS#12 derives from one password (RFC 7292, appendix B.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Purpose {
    Key = 1,
    Iv = 2,
    Mac = 3,
}

/// The way of PKCS#12 (RFC 7292, appendix B.2).
pub(super) fn pkcs12(
    hash: Hash,
    purpose: Purpose,
    password: &[u8],
    salt: &[u8],
    iterations: NonZeroU32,
    length: usize,
) -> Zeroizing<Vec<u8>> {
    let block = hash.block_length();
    let diversifier = vec![purpose as u8; block];
    let full = |bytes: &[u8]| bytes.len().div_ceil(block).saturating_mul(block);
    let filled = |bytes: &'_ [u8]| Zeroizing::new(bytes.iter().copied().cycle().take(full(bytes)).collect::<Vec<_>>());
    let (salt, password) = (filled(salt), filled(password));
    let mut input = Zeroizing::new(Vec::with_capacity(salt.len().saturating_add(password.len())));
    input.extend_from_slice(&salt);
    input.extend_from_slice(&password);

    let mut key = Zeroizing::new(Vec::with_capacity(length));
    loop {
        let output = hash.repeated(&[&diversifier, &input], iterations.get());
        let missing = length.saturating_sub(key.len());
        key.extend(output.iter().take(missing));
        if key.len() >= length {
            return key;
        }
        let addend = Zeroizing::new(output.iter().copied().cycle().take(block).collect::<Vec<_>>());
        input.chunks_exact_mut(block).for_each(|number| add_with_one(number, &addend));
    }
}

/// `number + addend + 1`, of big-endian numbers of one length, without what is carried out of them.
fn add_with_one(number: &mut [u8], addend: &[u8]) {
    let mut carried = 1;
    for (digit, &added) in number.iter_mut().zip(addend).rev() {
        let [high, low] = (u16::from(*digit) + u16::from(added) + carried).to_be_bytes();
        *digit = low;
        carried = u16::from(high);
    }
}

/// PBKDF1 (RFC 8018, section 5.1): the hash of password and salt, as long as the hash is.
pub(super) fn pbkdf1(hash: Hash, password: &[u8], salt: &[u8], iterations: NonZeroU32) -> Zeroizing<Vec<u8>> {
    hash.repeated(&[password, salt], iterations.get())
}
