//! Pickles of arrays, as published datasets have them.

use flambeau_store::{Value, plain};

/// What Python 2 writes for `{'labels': [3, 7], 'data': numpy.array([[1, 200], [3, 4]], 'u1')}` in protocol 2.
fn of_python_2(data: &[u8]) -> Vec<u8> {
    let mut pickle = b"\x80\x02}q\x01(U\x06labelsq\x02]q\x03(K\x03K\x07eU\x04dataq\x04".to_vec();
    pickle.extend(b"cnumpy.core.multiarray\n_reconstruct\nq\x05cnumpy\nndarray\nq\x06K\x00\x85q\x07U\x01b\x87Rq\x08");
    pickle.extend(b"(K\x01K\x02K\x02\x86cnumpy\ndtype\nq\x09U\x02u1K\x00K\x01\x87Rq\x0a");
    pickle.extend(b"(K\x03U\x01|NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb\x89U");
    pickle.push(data.len() as u8);
    pickle.extend(data);
    pickle.extend(b"tbu.");
    pickle
}

#[test]
fn arrays_are_read() {
    // The second has bytes that are all text, the first has some that are none.
    for data in [[1, 200, 3, 4], [65, 66, 67, 68]] {
        let value = plain::from_bytes(of_python_2(&data)).expect("read");
        let Some(Value::Tensor(array)) = value.get("data") else { panic!("no array in {value:?}") };
        assert_eq!(array.shape(), [2, 2]);
        assert_eq!(array.to_vec::<u8>().expect("bytes"), data);
        assert!(matches!(value.get("labels"), Some(Value::List(labels)) if labels.len() == 2));
    }
}

#[test]
fn what_python_3_writes_is_read() {
    // pickle.dumps(numpy.array([[1.5, 2], [3, 4]], '<f4', order='F'), 2)
    let pickle = b"\x80\x02cnumpy._core.multiarray\n_reconstruct\nq\x00cnumpy\nndarray\nq\x01K\x00\x85q\x02c_codecs\nencode\nq\x03X\x01\x00\x00\x00bq\x04X\x06\x00\x00\x00latin1q\x05\x86q\x06Rq\x07\x87q\x08Rq\x09(K\x01K\x02K\x02\x86q\x0acnumpy\ndtype\nq\x0bX\x02\x00\x00\x00f4q\x0c\x89\x88\x87q\x0dRq\x0e(K\x03X\x01\x00\x00\x00<q\x0fNNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tq\x10b\x88h\x03X\x12\x00\x00\x00\x00\x00\xc3\x80?\x00\x00@@\x00\x00\x00@\x00\x00\xc2\x80@q\x11h\x05\x86q\x12Rq\x13tq\x14b.";
    let Value::Tensor(array) = plain::from_bytes(pickle.to_vec()).expect("read") else { panic!("no array") };
    assert_eq!(array.to_vec::<f32>().expect("floats"), [1.5, 2.0, 3.0, 4.0]);
}

#[test]
fn code_is_refused_and_damage_told() {
    let error = plain::from_bytes(b"cos\nsystem\n(X\x02\x00\x00\x00ls\x85R.".to_vec()).expect_err("code");
    assert!(error.message().contains("os.system"), "{error}");
    // A tensor's parts are no array's.
    assert!(plain::from_bytes(b"ctorch._utils\n_rebuild_tensor_v2\n.".to_vec()).is_err());
    let whole = of_python_2(&[1, 2, 3, 200]);
    for end in 0..whole.len() {
        assert!(plain::from_bytes(whole[..end].to_vec()).is_err(), "cut at {end}");
    }
    let error = plain::from_bytes(of_python_2(&[1, 2, 200])).expect_err("too few bytes");
    assert!(error.message().contains("3 bytes"), "{error}");
    let huge = b"\x80\x02cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\x00\x85U\x01b\x87R(K\x01J\xff\xff\xff\x7fJ\xff\xff\xff\x7f\x86cnumpy\ndtype\nU\x02f8K\x00K\x01\x87R\x89U\x00tb.";
    assert!(plain::from_bytes(huge.to_vec()).is_err());
}
