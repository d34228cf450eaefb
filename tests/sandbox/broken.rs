//! Replies that break HTTP itself, and bodies that are far larger than they look: bytes that no server library sends.

use std::io::Write as _;
use std::sync::OnceLock;

use flate2::Compression;
use flate2::write::{DeflateEncoder, GzEncoder};

/// What is wrong with a reply's head or framing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wire {
    /// The connection ends in order, without a byte.
    Nothing,
    /// Something else than HTTP listens there.
    NotHttp,
    /// Fewer bytes are announced than there are.
    LengthTooShort,
    /// More bytes are announced than there are, and then the connection stays open.
    LengthTooLong,
    LengthIsNoNumber,
    /// Twice, and not the same.
    LengthsDiffer,
    /// A chunk whose size is no number.
    ChunkSizeIsNoNumber,
    /// The last chunk never comes: the connection ends.
    ChunksCutOff,
    /// A chunk that is longer than it says.
    ChunkTooLong,
    /// Header after header, for ever.
    HeadersWithoutEnd,
    /// One header of four megabytes.
    HugeHeader,
    ThousandsOfHeaders,
    /// "100 Continue" for ever.
    InformsForEver,
}

/// What goes over the wire: this, then that again and again if there is any of it.
#[derive(Debug, Clone)]
pub(crate) struct Raw {
    pub(crate) once: Vec<u8>,
    pub(crate) again: Vec<u8>,
    /// Whether the connection stays open, and silent, when all is sent.
    pub(crate) stays: bool,
}

impl Wire {
    pub(crate) const NAMES: [(&'static str, Self); 13] = [
        ("nothing", Self::Nothing),
        ("not-http", Self::NotHttp),
        ("length-too-short", Self::LengthTooShort),
        ("length-too-long", Self::LengthTooLong),
        ("length-is-no-number", Self::LengthIsNoNumber),
        ("lengths-differ", Self::LengthsDiffer),
        ("chunk-size-is-no-number", Self::ChunkSizeIsNoNumber),
        ("chunks-cut-off", Self::ChunksCutOff),
        ("chunk-too-long", Self::ChunkTooLong),
        ("headers-without-end", Self::HeadersWithoutEnd),
        ("huge-header", Self::HugeHeader),
        ("thousands-of-headers", Self::ThousandsOfHeaders),
        ("informs-for-ever", Self::InformsForEver),
    ];

    /// The reply with this body, broken.
    pub(crate) fn raw(self, body: &[u8]) -> Raw {
        let length = body.len();
        let with = |headers: &str| {
            let head = format!("HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n{headers}\r\n");
            [head.as_bytes(), body].concat()
        };
        let chunked = |framed: &[&[u8]]| {
            let head = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n".as_slice();
            [&[head], framed].concat().concat()
        };
        let size = format!("{length:x}\r\n");
        let less = format!("{:x}\r\n", length.saturating_sub(2));
        let once = match self {
            Self::Nothing => Vec::new(),
            Self::NotHttp => b"SSH-2.0-OpenSSH_9.9\r\n".to_vec(),
            Self::LengthTooShort => with(&format!("content-length: {}\r\n", length.saturating_sub(2))),
            Self::LengthTooLong => with(&format!("content-length: {}\r\n", length + 100)),
            Self::LengthIsNoNumber => with("content-length: many\r\n"),
            Self::LengthsDiffer => with(&format!("content-length: {length}\r\ncontent-length: {}\r\n", length + 1)),
            Self::ChunkSizeIsNoNumber => chunked(&[b"many\r\n", body, b"\r\n0\r\n\r\n"]),
            Self::ChunksCutOff => chunked(&[size.as_bytes(), body, b"\r\n"]),
            Self::ChunkTooLong => chunked(&[less.as_bytes(), body, b"\r\n0\r\n\r\n"]),
            Self::HugeHeader => with(&format!("x-huge: {}\r\ncontent-length: {length}\r\n", "x".repeat(4 << 20))),
            Self::ThousandsOfHeaders => {
                let many: String = (0..5_000).map(|n| format!("x-header-{n}: {n}\r\n")).collect();
                with(&format!("{many}content-length: {length}\r\n"))
            }
            Self::HeadersWithoutEnd => b"HTTP/1.1 200 OK\r\n".to_vec(),
            Self::InformsForEver => Vec::new(),
        };
        let again = match self {
            Self::HeadersWithoutEnd => b"x-header: the same again\r\n".to_vec(),
            Self::InformsForEver => b"HTTP/1.1 100 Continue\r\n\r\n".to_vec(),
            _ => Vec::new(),
        };
        Raw { once, again, stays: self == Self::LengthTooLong }
    }
}

/// How a bomb is packed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Packing {
    Gzip,
    Deflate,
    Br,
}

impl Packing {
    /// The word in `Content-Encoding`.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Gzip => "gzip",
            Self::Deflate => "deflate",
            Self::Br => "br",
        }
    }

    /// A gigabyte of zeros, or a quarter of one.
    pub(crate) fn bomb(self) -> Vec<u8> {
        static MADE: [OnceLock<Vec<u8>>; 3] = [const { OnceLock::new() }; 3];
        MADE[self as usize].get_or_init(|| self.pack()).clone()
    }

    fn pack(self) -> Vec<u8> {
        let zeros = vec![0; 1 << 20];
        match self {
            Self::Gzip => {
                let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
                encoder.write_all(&zeros).unwrap();
                // Members of one stream, as `cat` makes it of files.
                encoder.finish().unwrap().repeat(1 << 10)
            }
            Self::Deflate => {
                let mut encoder = DeflateEncoder::new(Vec::new(), Compression::fast());
                encoder.write_all(&zeros).unwrap();
                // A whole number of bytes, so that the blocks can be joined.
                encoder.flush().unwrap();
                encoder.get_ref().repeat(1 << 10)
            }
            Self::Br => BR.to_vec(),
        }
    }
}

/// 256 MiB of zeros, as `node:zlib` packs them; nothing here can.
#[rustfmt::skip]
const BR: [u8; 203] = [
    0xcf, 0xff, 0xff, 0x7f, 0x00, 0x24, 0x00, 0xe2, 0xb1, 0x40, 0x72, 0xef, 0xff, 0xf9, 0xff, 0xff, 0x0f, 0x80, 0x04, 0x40,
    0x1c, 0x16, 0x80, 0xee, 0xfd, 0x3f, 0xff, 0xff, 0xff, 0x01, 0x90, 0x00, 0x88, 0xc3, 0x02, 0xd0, 0xbd, 0xff, 0xe7, 0xff,
    0xff, 0x3f, 0x00, 0x12, 0x00, 0x71, 0x58, 0x00, 0xba, 0xf7, 0xff, 0xfc, 0xff, 0xff, 0x07, 0x40, 0x02, 0x20, 0x0e, 0x0b,
    0x40, 0xf7, 0xfe, 0x9f, 0xff, 0xff, 0xff, 0x00, 0x48, 0x00, 0xc4, 0x61, 0x01, 0xe8, 0xde, 0xff, 0xf3, 0xff, 0xff, 0x1f,
    0x00, 0x09, 0x80, 0x38, 0x2c, 0x00, 0xdd, 0xfb, 0x7f, 0xfe, 0xff, 0xff, 0x03, 0x20, 0x01, 0x10, 0x87, 0x05, 0xa0, 0x7b,
    0xff, 0xcf, 0xff, 0xff, 0x7f, 0x00, 0x24, 0x00, 0xe2, 0xb0, 0x00, 0x74, 0xef, 0xff, 0xf9, 0xff, 0xff, 0x0f, 0x80, 0x04,
    0x40, 0x1c, 0x16, 0x80, 0xee, 0xfd, 0x3f, 0xff, 0xff, 0xff, 0x01, 0x90, 0x00, 0x88, 0xc3, 0x02, 0xd0, 0xbd, 0xff, 0xe7,
    0xff, 0xff, 0x3f, 0x00, 0x12, 0x00, 0x71, 0x58, 0x00, 0xba, 0xf7, 0xff, 0xfc, 0xff, 0xff, 0x07, 0x40, 0x02, 0x20, 0x0e,
    0x0b, 0x40, 0xf7, 0xfe, 0x9f, 0xff, 0xff, 0xff, 0x00, 0x48, 0x00, 0xc4, 0x61, 0x01, 0xe8, 0xde, 0xff, 0xf3, 0xff, 0xff,
    0x1f, 0x00, 0x09, 0x80, 0x38, 0x2c, 0x00, 0xdd, 0xfb, 0xff, 0xfc, 0xff, 0xff, 0x07, 0x20, 0x01, 0x10, 0x87, 0x05, 0xa0,
    0x7b, 0xff, 0x0f,
];
