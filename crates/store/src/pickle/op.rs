//! The opcodes that are read or written.

macro_rules! opcodes {
    ($($name:ident = $byte:expr;)*) => { $(pub(super) const $name: u8 = $byte;)* };
}

opcodes! {
    MARK = b'('; STOP = b'.'; POP = b'0'; POP_MARK = b'1'; DUP = b'2';
    BININT = b'J'; BININT1 = b'K'; BININT2 = b'M'; LONG1 = 0x8a; LONG4 = 0x8b;
    BINFLOAT = b'G'; NONE = b'N'; NEWTRUE = 0x88; NEWFALSE = 0x89;
    BINUNICODE = b'X'; SHORT_BINUNICODE = 0x8c; BINUNICODE8 = 0x8d;
    BINBYTES = b'B'; SHORT_BINBYTES = b'C'; BINBYTES8 = 0x8e;
    BINSTRING = b'T'; SHORT_BINSTRING = b'U';
    EMPTY_LIST = b']'; APPEND = b'a'; APPENDS = b'e'; LIST = b'l';
    EMPTY_TUPLE = b')'; TUPLE = b't'; TUPLE1 = 0x85; TUPLE2 = 0x86; TUPLE3 = 0x87;
    EMPTY_DICT = b'}'; SETITEM = b's'; SETITEMS = b'u'; DICT = b'd';
    EMPTY_SET = 0x8f; ADDITEMS = 0x90;
    BINPUT = b'q'; LONG_BINPUT = b'r'; MEMOIZE = 0x94; BINGET = b'h'; LONG_BINGET = b'j';
    GLOBAL = b'c'; STACK_GLOBAL = 0x93; REDUCE = b'R'; NEWOBJ = 0x81; BUILD = b'b'; BINPERSID = b'Q';
    PROTO = 0x80; FRAME = 0x95;
}
