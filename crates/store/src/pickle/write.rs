//! Writing: protocol 2, which every PyTorch reads.

use super::object::StorageRef;
use super::op::*;

/// Builds a pickle, value by value.
#[derive(Default)]
pub(crate) struct Writer {
    bytes: Vec<u8>,
}

impl Writer {
    /// An empty pickle.
    pub(crate) fn new() -> Self {
        Self { bytes: vec![PROTO, 2] }
    }

    /// Ends the pickle.
    pub(crate) fn finish(mut self) -> Vec<u8> {
        self.bytes.push(STOP);
        self.bytes
    }

    pub(crate) fn none(&mut self) {
        self.bytes.push(NONE);
    }

    pub(crate) fn bool(&mut self, value: bool) {
        self.bytes.push(if value { NEWTRUE } else { NEWFALSE });
    }

    /// An integer beyond 64 bits: two's complement, the lowest byte first.
    pub(crate) fn big_int(&mut self, bytes: &[u8]) {
        match u8::try_from(bytes.len()) {
            Ok(n) => self.bytes.extend([LONG1, n]),
            Err(_) => {
                self.bytes.push(LONG4);
                self.length(bytes.len());
            }
        }
        self.bytes.extend(bytes);
    }

    pub(crate) fn int(&mut self, value: i64) {
        if let Ok(small) = i32::try_from(value) {
            self.bytes.push(BININT);
            self.bytes.extend(small.to_le_bytes());
        } else {
            self.bytes.extend([LONG1, 8]);
            self.bytes.extend(value.to_le_bytes());
        }
    }

    pub(crate) fn float(&mut self, value: f64) {
        self.bytes.push(BINFLOAT);
        self.bytes.extend(value.to_be_bytes());
    }

    pub(crate) fn str(&mut self, text: &str) {
        self.bytes.push(BINUNICODE);
        self.length(text.len());
        self.bytes.extend(text.as_bytes());
    }

    /// Bytes, in protocol 2's way: text with a character for each, encoded again on loading.
    pub(crate) fn bytes(&mut self, value: &[u8]) {
        let text: String = value.iter().map(|&byte| char::from(byte)).collect();
        self.global("_codecs", "encode");
        self.mark();
        self.str(&text);
        self.str("latin1");
        self.tuple();
        self.reduce();
    }

    /// The four-byte lengths of protocol 2 hold up to 4 GiB of one string.
    fn length(&mut self, n: usize) {
        let n = u32::try_from(n).unwrap_or(u32::MAX);
        self.bytes.extend(n.to_le_bytes());
    }

    pub(crate) fn global(&mut self, module: &str, name: &str) {
        self.bytes.push(GLOBAL);
        self.bytes.extend(format!("{module}\n{name}\n").into_bytes());
    }

    pub(crate) fn mark(&mut self) {
        self.bytes.push(MARK);
    }

    /// Ends a tuple begun by [`Writer::mark`].
    pub(crate) fn tuple(&mut self) {
        self.bytes.push(TUPLE);
    }

    /// Calls the global below the arguments' tuple.
    pub(crate) fn reduce(&mut self) {
        self.bytes.push(REDUCE);
    }

    pub(crate) fn empty_list(&mut self) {
        self.bytes.push(EMPTY_LIST);
    }

    /// Appends everything since the mark to the list below it.
    pub(crate) fn appends(&mut self) {
        self.bytes.push(APPENDS);
    }

    /// Sets the dict on top of the stack as the attributes of the object below it.
    pub(crate) fn build(&mut self) {
        self.bytes.push(BUILD);
    }

    /// An empty OrderedDict.
    pub(crate) fn ordered_dict(&mut self) {
        self.global("collections", "OrderedDict");
        self.bytes.extend([EMPTY_TUPLE, REDUCE]);
    }

    pub(crate) fn empty_dict(&mut self) {
        self.bytes.push(EMPTY_DICT);
    }

    /// Sets all keys and values since the mark on the dict below it.
    pub(crate) fn set_items(&mut self) {
        self.bytes.push(SETITEMS);
    }

    pub(crate) fn ints(&mut self, values: &[usize]) {
        self.mark();
        for &v in values {
            self.int(v as i64);
        }
        self.tuple();
    }

    /// A storage by its persistent id; the older format has a place for a view in it.
    pub(crate) fn storage(&mut self, storage: &StorageRef, legacy: bool) {
        self.mark();
        self.str("storage");
        self.global("torch", &storage.class);
        self.str(&storage.key);
        self.str(&storage.location);
        self.int(storage.numel as i64);
        if legacy {
            self.none();
        }
        self.tuple();
        self.bytes.push(BINPERSID);
    }
}
