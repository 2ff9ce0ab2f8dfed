//! `hincrby` and `hincrbyfloat`.

use super::check;
use crate::support::{Client, node};

#[test]
fn integers() {
    let node = node();
    let mut client = Client::of(&node);
    let not = "403 val: the stored value is not an integer";
    let over = "403 val: the sum overflows";
    check(
        &mut client,
        &[
            ("hincrby?tb=t&key=n&val=-7", "200 -7"),
            ("hincrby?tb=t&key=n&val=0", "200 -7"),
            ("hincrby?tb=t&key=n&val=9223372036854775807", "200 9223372036854775800"),
            ("hincrby?tb=t&key=n&val=8", over),
            ("hget?tb=t&key=n", "200 9223372036854775800"),
            ("hincrby?tb=t&key=low&val=-9223372036854775808", "200 -9223372036854775808"),
            ("hincrby?tb=t&key=low&val=-1", over),
            ("hset?tb=t&key=n&val=1.5", "200"),
            ("hincrby?tb=t&key=n&val=1", not),
            ("hset?tb=t&key=n&val=", "200"),
            ("hincrby?tb=t&key=n&val=1", not),
            ("hset?tb=t&key=n&val=41", "200"),
            ("hincrby?tb=t&key=n&val=1", "200 42"),
            ("hincrby?tb=new&key=n&val=x", "400 val: not a number"),
            ("hincrby?tb=new&key=n&val=1.5", "400 val: not a number"),
            ("hincrby?tb=new&key=n&val=", "400 val: empty"),
            ("hincrby?tb=new&key=n", "400 val: missing"),
            ("exist?key=new", "404"),
        ],
    );
    let too_big = client.get("/hustcache/hincrby?tb=new&key=n&val=9223372036854775808");
    assert_eq!((too_big.status, &too_big.text()[..5]), (400, "val: "));
    assert_eq!(
        client.ask("POST", "/hustcache/hincrby?tb=t&key=n&val=5", "-2").text(),
        "40",
        "the body counts"
    );
}

#[test]
fn decimals() {
    let node = node();
    let mut client = Client::of(&node);
    let not = "403 val: the stored value is not a number";
    check(
        &mut client,
        &[
            ("hincrbyfloat?tb=t&key=f&val=0.1", "200 0.1"),
            ("hincrbyfloat?tb=t&key=f&val=0.2", "200 0.3"),
            ("hincrbyfloat?tb=t&key=f&val=-0.30", "200 0"),
            ("hincrbyfloat?tb=t&key=f&val=100.00", "200 100"),
            ("hincrbyfloat?tb=t&key=f&val=-100.25", "200 -0.25"),
            ("hget?tb=t&key=f", "200 -0.25"),
            ("hincrby?tb=t&key=n&val=3", "200 3"),
            ("hincrbyfloat?tb=t&key=n&val=9007199254740993", "200 9007199254740996"),
            ("hset?tb=t&key=f&val=x", "200"),
            ("hincrbyfloat?tb=t&key=f&val=1", not),
            ("hset?tb=t&key=f&val=", "200"),
            ("hincrbyfloat?tb=t&key=f&val=1", not),
            ("hset?tb=t&key=f&val=170141183460469231731687303715884105727", "200"),
            ("hincrbyfloat?tb=t&key=f&val=1", "403 val: the sum overflows"),
            ("hget?tb=t&key=f", "200 170141183460469231731687303715884105727"),
        ],
    );
    for wrong in ["", "x", "1e3", "+1", "%201", ".5", "1.", "0x1", "inf", "nan", "1,5"] {
        let target = format!("hincrbyfloat?tb=new&key=f&val={wrong}");
        check(&mut client, &[(&target, "400 val: not a decimal number of at most 38 digits")]);
    }
    check(&mut client, &[("hincrbyfloat?tb=new&key=f", "400 val: missing"), ("exist?key=new", "404")]);
    assert_eq!(client.put("/hustcache/hincrbyfloat?tb=t&key=b", "2.50").text(), "2.5", "from the body");
}

#[test]
fn sums_of_many_clients_are_exact() {
    let node = node();
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                let mut client = Client::of(&node);
                for _ in 0..500 {
                    assert_eq!(client.get("/hustcache/hincrby?tb=t&key=n&val=3").status, 200);
                    assert_eq!(client.get("/hustcache/hincrbyfloat?tb=t&key=f&val=0.1").status, 200);
                    assert_eq!(client.get("/hustcache/append?key=k&val=ab").status, 200);
                }
            });
        }
    });
    let mut client = Client::of(&node);
    check(&mut client, &[("hget?tb=t&key=n", "200 6000"), ("hget?tb=t&key=f", "200 200")]);
    assert_eq!(client.get("/hustcache/get?key=k").text(), "ab".repeat(2000));
}
