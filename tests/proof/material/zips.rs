//! Zips written byte by byte, so that they can say what is not so.

/// One entry.
pub(super) struct Entry {
    name: Vec<u8>,
    data: Vec<u8>,
    pub(super) flags: u16,
    pub(super) method: u16,
    /// In place of its own.
    pub(super) crc: Option<u32>,
    /// The size that it says it inflates to.
    pub(super) claims: Option<u64>,
    /// An extra field.
    pub(super) extra: Vec<u8>,
}

impl Entry {
    pub(super) fn stored(name: &[u8], data: &[u8]) -> Self {
        let (name, data) = (name.to_vec(), data.to_vec());
        Self { name, data, flags: 0, method: 0, crc: None, claims: None, extra: Vec::new() }
    }

    /// What local header and directory have in common, and the extra field.
    fn common(&self, is_64: bool) -> (Vec<u8>, Vec<u8>) {
        let crc = self.crc.unwrap_or_else(|| crc(&self.data));
        let (packed, size) = (self.data.len() as u64, self.claims.unwrap_or(self.data.len() as u64));
        let is_64 = is_64 || size > u64::from(u32::MAX);
        let mut extra = self.extra.clone();
        if is_64 {
            extra.extend([1, 0, 16, 0]);
            extra.extend([size.to_le_bytes(), packed.to_le_bytes()].concat());
        }
        let short = |size: u64| if is_64 { u32::MAX } else { u32::try_from(size).unwrap() };
        let mut out = Vec::new();
        out.extend(45_u16.to_le_bytes());
        out.extend([self.flags.to_le_bytes(), self.method.to_le_bytes()].concat());
        out.extend([0; 4]);
        out.extend([crc.to_le_bytes(), short(packed).to_le_bytes(), short(size).to_le_bytes()].concat());
        out.extend(u16::try_from(self.name.len()).unwrap().to_le_bytes());
        out.extend(u16::try_from(extra.len()).unwrap().to_le_bytes());
        (out, extra)
    }

    fn local(&self, is_64: bool) -> Vec<u8> {
        let (common, extra) = self.common(is_64);
        [b"PK\x03\x04".as_slice(), &common, &self.name, &extra].concat()
    }

    fn directory(&self, is_64: bool, at: usize) -> Vec<u8> {
        let (common, extra) = self.common(is_64);
        let mut out = [b"PK\x01\x02\x2d\x03".as_slice(), &common, &[0; 6]].concat();
        out.extend((0o100_644_u32 << 16).to_le_bytes());
        out.extend(u32::try_from(at).unwrap().to_le_bytes());
        out.extend([self.name.as_slice(), &extra].concat());
        out
    }
}

/// An archive, and what it says of itself.
pub(super) struct Zip {
    pub(super) entries: Vec<Entry>,
    /// Whether every size is told in 64 bits.
    pub(super) is_64: bool,
    /// Whether the directory says of each entry that it is where the first one is.
    pub(super) all_at_first: bool,
    /// How often the directory comes.
    pub(super) directories: usize,
    pub(super) comment: Vec<u8>,
    pub(super) disk: u16,
    /// How many entries it says there are.
    pub(super) told: Option<u16>,
    /// How far off the directory is told to be.
    pub(super) shift: i64,
}

impl Zip {
    pub(super) fn of(entries: Vec<Entry>) -> Self {
        let (comment, told) = (Vec::new(), None);
        Self { entries, is_64: false, all_at_first: false, directories: 1, comment, disk: 0, told, shift: 0 }
    }

    pub(super) fn bytes(&self) -> Vec<u8> {
        let (mut out, mut directory) = (Vec::new(), Vec::new());
        for entry in &self.entries {
            let at = if self.all_at_first { 0 } else { out.len() };
            directory.extend(entry.directory(self.is_64, at));
            out.extend(entry.local(self.is_64));
            out.extend(&entry.data);
        }
        for _ in 0..self.directories {
            let start = i64::try_from(out.len()).unwrap().saturating_add(self.shift).max(0);
            out.extend(&directory);
            self.end(&mut out, directory.len() as u64, u64::try_from(start).unwrap());
        }
        out
    }

    fn end(&self, out: &mut Vec<u8>, size: u64, start: u64) {
        let count = self.entries.len() as u64;
        if self.is_64 || count > 0xfffe {
            let at = out.len() as u64;
            out.extend(b"PK\x06\x06");
            out.extend(44_u64.to_le_bytes());
            out.extend([45, 0, 45, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
            out.extend([count, count, size, start].map(u64::to_le_bytes).concat());
            out.extend(b"PK\x06\x07\0\0\0\0");
            out.extend(at.to_le_bytes());
            out.extend(1_u32.to_le_bytes());
        }
        let short = |number: u64| u32::try_from(number).unwrap_or(u32::MAX).to_le_bytes();
        let told = self.told.unwrap_or_else(|| u16::try_from(count).unwrap_or(u16::MAX)).to_le_bytes();
        out.extend(b"PK\x05\x06");
        out.extend([self.disk.to_le_bytes(), self.disk.to_le_bytes(), told, told].concat());
        out.extend([short(size), short(start)].concat());
        out.extend(u16::try_from(self.comment.len()).unwrap().to_le_bytes());
        out.extend(&self.comment);
    }
}

/// David Fifield's bomb: each entry quotes the header of the next one in a stored block and so goes on into its data,
/// down to one kernel of zeros that all of them inflate.
pub(super) fn quoted_overlap(count: usize) -> Vec<u8> {
    let mut encoder = flate2::Compress::new(flate2::Compression::best(), false);
    let mut kernel = Vec::with_capacity(1 << 16);
    encoder.compress_vec(&vec![0; 1 << 20], &mut kernel, flate2::FlushCompress::Finish).unwrap();
    // From the last to the first: what is behind each header.
    let mut data = kernel;
    let mut headers = Vec::new();
    let mut inflated = 1_u64 << 20;
    for number in (0..count).rev() {
        let mut entry = Entry::stored(format!("{number:04}").as_bytes(), &data);
        (entry.method, entry.claims) = (8, Some(inflated));
        let header = entry.local(false);
        inflated += header.len() as u64;
        let length = u16::try_from(header.len()).unwrap();
        let quote = [&[0][..], &length.to_le_bytes(), &(!length).to_le_bytes()].concat();
        let behind = data.len();
        data = [quote.as_slice(), &header, &data].concat();
        headers.push((entry, behind));
    }
    // The first one is not quoted.
    let out = data[5..].to_vec();
    let mut directory = Vec::new();
    for (entry, behind) in headers.iter().rev() {
        let at = out.len() - behind - entry.local(false).len();
        directory.extend(entry.directory(false, at));
    }
    let start = out.len() as u64;
    let mut out = [out, directory.clone()].concat();
    let entries = headers.into_iter().map(|(entry, _)| entry).collect();
    Zip::of(entries).end(&mut out, directory.len() as u64, start);
    out
}

fn crc(bytes: &[u8]) -> u32 {
    let mut sum = flate2::Crc::new();
    sum.update(bytes);
    sum.sum()
}
