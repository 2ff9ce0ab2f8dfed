//! Frames of queue messages: the body of a batch.

use hust_wire::message::{Frames, LINE_MAX_BYTES, Line};

/// Reads all of the input as a body: every frame lies in it, one after the other, and what was read is what is read
/// again once it is written anew.
pub fn message(data: &[u8]) {
    let (mut at, mut anew, mut items) = (0, Vec::new(), Vec::new());
    let mut whole = true;
    for frame in Frames::of(data) {
        let Ok(frame) = frame.inspect_err(|refusal| assert!(refusal.line().starts_with("frame "))) else {
            whole = false;
            break;
        };
        let line = frame.fields.raw();
        assert!(line.len() <= LINE_MAX_BYTES && !line.contains(&b'\n'));
        let len = frame.fields.unsigned("len", u64::MAX);
        assert_eq!(len, Ok(Some(frame.item.len() as u64)), "one length, as every reader of queries sees it");
        assert_eq!(data.get(at..at + line.len()), Some(line));
        at += line.len() + 1;
        assert_eq!(data.get(at..at + frame.item.len()), Some(frame.item));
        at += frame.item.len() + 1;
        assert_eq!(data.get(at - 1), Some(&b'\n'));
        if let Ok(Some(id)) = frame.fields.bytes("id") {
            Line::new(&mut anew).text("id", &id).item(frame.item);
            items.push((Some(id.into_owned()), frame.item));
        } else {
            Line::new(&mut anew).item(frame.item);
            items.push((None, frame.item));
        }
    }
    assert!(at == data.len() || !whole, "nothing is left over");
    let again = Frames::of(&anew).map(|frame| {
        let frame = frame.expect("what was written");
        let id = frame.fields.bytes("id").expect("an encoded id").map(|id| id.into_owned());
        (id, frame.item)
    });
    // Encoding may lengthen a line beyond what may be.
    let short =
        |(id, _): &(Option<Vec<u8>>, &[u8])| id.as_ref().is_none_or(|id| 3 * id.len() + 32 < LINE_MAX_BYTES);
    if items.iter().all(short) {
        assert!(again.eq(items), "written and read again");
    }
}

pub(crate) fn seeds() -> Vec<Vec<u8>> {
    let seeds: [&[u8]; 8] = [
        b"priori=1&id=o%2F17&len=5\nhello\n",
        b"len=0\n\nlen=1\n\n\nid=%00%ff&ttl=60&delay=1&len=3\nabc\n",
        b"token=1:2:3&index=7&priori=2&redelivered=1&dead_from=q&len=2\nhi\n",
        b"index=18446744073709551615&expire=1785800000000&len=4\n\n\n\n\n\n",
        b"len=1&len=2\nab\n",
        b"len=18446744073709551616\nab\n",
        b"&&id&=x&len=1\nx\nlen=9\nx\n",
        b"",
    ];
    seeds.map(<[u8]>::to_vec).into()
}
