//! Changes to files.

/// Numbers on the edge of something.
const EDGES: [u64; 16] = [
    0,
    1,
    2,
    7,
    0x7f,
    0x80,
    0xff,
    0x100,
    0x7fff,
    0xffff,
    0x7fff_ffff,
    0x8000_0000,
    0xffff_ffff,
    1 << 40,
    i64::MAX as u64,
    u64::MAX,
];

/// Words of the formats: opcodes that build much from little, names, keys, headers.
const WORDS: [&[u8]; 34] = [
    b"(",
    b")",
    b"]",
    b"}",
    b"t",
    b"e",
    b"u",
    b"b",
    b"R",
    b"Q",
    b"2",
    b"0",
    b"q\x00",
    b"h\x00",
    b"\x85",
    b"\x94",
    b"\x90",
    b"\x8f",
    b"\x81",
    b"\x8d\xff\xff\xff\xff\xff\xff\xff\x7f",
    b"cposix\nsystem\n",
    b"c__builtin__\nset\n",
    b"c_codecs\nencode\n",
    b"ccollections\nOrderedDict\n",
    b"ctorch._utils\n_rebuild_tensor_v2\n",
    b"ctorch._tensor\n_rebuild_from_type_v2\n",
    b"PK\x01\x02",
    b"PK\x03\x04",
    b"PK\x05\x06",
    b"../",
    b"\"dtype\":\"F64\"",
    b"[18446744073709551615,2]",
    b"{\"a\":",
    b"'shape': (99999999999, 0), ",
];

/// A small generator (xorshift*), and changes made with it.
pub struct Mutator(u64);

impl Mutator {
    pub fn new(seed: u64) -> Self {
        let mut mutator = Mutator(seed | 1);
        // The first numbers of neighbouring seeds are alike.
        for _ in 0..4 {
            mutator.number();
        }
        mutator
    }

    fn number(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    fn below(&mut self, n: usize) -> usize {
        ((u128::from(self.number()) * n.max(1) as u128) >> 64) as usize
    }

    /// One of the inputs with one to eight changes: half of the time one of the first `corpus`,
    /// which are whole, the others being mostly broken.
    pub fn input(&mut self, inputs: &[Vec<u8>], corpus: usize) -> Vec<u8> {
        let among = if self.below(2) == 0 { corpus } else { inputs.len() };
        let mut bytes = inputs[self.below(among)].clone();
        let changes = 1 + self.below(8).min(self.below(8));
        for _ in 0..changes {
            let other = self.below(inputs.len());
            self.change(&mut bytes, &inputs[other]);
        }
        bytes
    }

    fn range(&mut self, length: usize) -> std::ops::Range<usize> {
        let start = self.below(length + 1);
        let most = (length - start).min(1 << self.below(9));
        start..start + self.below(most + 1)
    }

    fn change(&mut self, bytes: &mut Vec<u8>, other: &[u8]) {
        let at = self.below(bytes.len() + 1);
        match self.below(11) {
            0 | 1 => {
                if let Some(byte) = bytes.get_mut(at) {
                    *byte ^= 1 << self.below(8);
                }
            }
            2 => {
                if let Some(byte) = bytes.get_mut(at) {
                    *byte = self.number() as u8;
                }
            }
            3 | 4 => {
                let width = [1, 2, 4, 8][self.below(4)];
                let number = EDGES[self.below(EDGES.len())].to_le_bytes();
                bytes.iter_mut().skip(at).take(width).zip(number).for_each(|(to, from)| *to = from);
            }
            5 => bytes.truncate(at),
            6 => drop(bytes.drain(self.range(bytes.len()))),
            7 => {
                let piece = bytes[self.range(bytes.len())].to_vec();
                let most = 1 << self.below(7);
                let times = 1 + self.below(most);
                let room = (1usize << 20).saturating_sub(bytes.len()) / piece.len().max(1);
                bytes.splice(at..at, piece.repeat(times.min(room)));
            }
            8 => {
                let piece = other[self.range(other.len())].to_vec();
                let over = if self.below(2) == 0 { at } else { (at + piece.len()).min(bytes.len()) };
                bytes.splice(at..over, piece);
            }
            9 => {
                let word = WORDS[self.below(WORDS.len())];
                let over = if self.below(2) == 0 { at } else { (at + word.len()).min(bytes.len()) };
                bytes.splice(at..over, word.iter().copied());
            }
            _ => self.change_digits(bytes, at),
        }
        bytes.truncate(1 << 20);
    }

    /// Puts another number in place of the next one that is written in digits.
    fn change_digits(&mut self, bytes: &mut Vec<u8>, at: usize) {
        let Some(start) = bytes[at..].iter().position(u8::is_ascii_digit).map(|skipped| at + skipped) else { return };
        let end = bytes[start..].iter().position(|b| !b.is_ascii_digit()).map_or(bytes.len(), |n| start + n);
        let number = EDGES[self.below(EDGES.len())];
        let sign = if self.below(4) == 0 { "-" } else { "" };
        bytes.splice(start..end, format!("{sign}{number}").into_bytes());
    }
}
