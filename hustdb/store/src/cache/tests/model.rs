//! Random commands against a plain map that never evicts.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

use proptest::prelude::*;

use super::{VALUE_MAX, cache};
use crate::{
    cache::{Cache, Error, Ttl},
    testing::TestClock,
};

type Table = BTreeMap<u8, Vec<u8>>;

#[derive(Clone, Debug)]
enum Content {
    Plain(Vec<u8>),
    Table(Table),
}

/// Content and the time it expires.
type Model = HashMap<u8, (Content, Option<u64>)>;

#[derive(Clone, Debug)]
enum Step {
    Put(u8, Vec<u8>, Option<u32>),
    Append(u8, Vec<u8>),
    Del(u8),
    Expire(u8, u32),
    Persist(u8),
    Set(u8, u8, Vec<u8>),
    Unset(u8, u8),
    Add(u8, u8, i64),
    Pass(u64),
}

fn step() -> impl Strategy<Value = Step> {
    let key = || 0u8..6;
    let field = || 0u8..4;
    let bytes = || prop_oneof![prop::collection::vec(any::<u8>(), 0..VALUE_MAX), Just(b"12".to_vec())];
    prop_oneof![
        (key(), bytes(), prop::option::of(1u32..5)).prop_map(|(key, value, ttl)| Step::Put(key, value, ttl)),
        (key(), bytes()).prop_map(|(key, more)| Step::Append(key, more)),
        key().prop_map(Step::Del),
        (key(), 1u32..5).prop_map(|(key, ttl)| Step::Expire(key, ttl)),
        key().prop_map(Step::Persist),
        (key(), field(), bytes()).prop_map(|(key, field, value)| Step::Set(key, field, value)),
        (key(), field()).prop_map(|(key, field)| Step::Unset(key, field)),
        (key(), field(), -20i64..20).prop_map(|(key, field, by)| Step::Add(key, field, by)),
        (0u64..2500).prop_map(Step::Pass),
    ]
}

fn table(model: &mut Model, key: u8) -> Result<&mut Table, Error> {
    match &mut model.entry(key).or_insert_with(|| (Content::Table(Table::new()), None)).0 {
        Content::Table(table) => Ok(table),
        Content::Plain(_) => Err(Error::HoldsValue),
    }
}

/// What a step should answer: whether it found or did something, as a number, or why not.
fn expected(model: &mut Model, now_ms: u64, step: &Step) -> Result<i64, Error> {
    model.retain(|_, (_, expire_ms)| expire_ms.is_none_or(|at| now_ms < at));
    let until = |ttl: u32| Some(now_ms + u64::from(ttl) * 1000);
    let done = match step {
        Step::Put(key, value, ttl) => {
            model.insert(*key, (Content::Plain(value.clone()), ttl.and_then(until)));
            Ok(1)
        }
        Step::Append(key, more) => {
            match &mut model.entry(*key).or_insert_with(|| (Content::Plain(Vec::new()), None)).0 {
                Content::Table(_) => Err(Error::HoldsTable),
                Content::Plain(value) if value.len() + more.len() > VALUE_MAX => {
                    Err(Error::TooLong(VALUE_MAX))
                }
                Content::Plain(value) => {
                    value.extend(more);
                    Ok(1)
                }
            }
        }
        Step::Del(key) => Ok(model.remove(key).is_some().into()),
        Step::Expire(key, ttl) => Ok(model.get_mut(key).map(|entry| entry.1 = until(*ttl)).is_some().into()),
        Step::Persist(key) => Ok(model.get_mut(key).and_then(|entry| entry.1.take()).is_some().into()),
        Step::Set(key, field, value) => table(model, *key).map(|table| {
            table.insert(*field, value.clone());
            1
        }),
        Step::Unset(key, field) => table(model, *key).map(|table| table.remove(field).is_some().into()),
        Step::Add(key, field, by) => table(model, *key).and_then(|table| {
            let stored = table.get(field).map_or(Ok("0"), |value| std::str::from_utf8(value));
            let stored: i64 = stored.ok().and_then(|text| text.parse().ok()).ok_or(Error::NotAnInteger)?;
            table.insert(*field, (stored + by).to_string().into_bytes());
            Ok(stored + by)
        }),
        Step::Pass(_) => Ok(1),
    };
    model.retain(|_, (content, _)| !matches!(content, Content::Table(table) if table.is_empty()));
    done
}

fn answer(cache: &Cache, clock: &Arc<TestClock>, step: &Step) -> Result<i64, Error> {
    match step {
        Step::Put(key, value, ttl) => cache.put(&[*key], value, *ttl).map(|()| 1),
        Step::Append(key, more) => cache.append(&[*key], more).map(|()| 1),
        Step::Del(key) => cache.del(&[*key]).map(i64::from),
        Step::Expire(key, ttl) => cache.expire(&[*key], *ttl).map(i64::from),
        Step::Persist(key) => cache.persist(&[*key]).map(i64::from),
        Step::Set(key, field, value) => cache.hset(&[*key], &[*field], value).map(|()| 1),
        Step::Unset(key, field) => cache.hdel(&[*key], &[*field]).map(i64::from),
        Step::Add(key, field, by) => cache.hincrby(&[*key], &[*field], *by),
        Step::Pass(ms) => {
            clock.advance(*ms);
            Ok(1)
        }
    }
}

/// Compares all keys.
fn compare(cache: &Cache, model: &Model, now_ms: u64) {
    for key in 0..6u8 {
        let known = model.get(&key).filter(|(_, expire_ms)| expire_ms.is_none_or(|at| now_ms < at));
        let left = known.map(|(_, expire_ms)| match expire_ms {
            Some(at) => Ttl::Seconds((at - now_ms).div_ceil(1000)),
            None => Ttl::Forever,
        });
        assert_eq!(cache.ttl(&[key]), Ok(left));
        let value = cache.get(&[key]).map(|value| value.map(|value| value.as_ref().to_vec()));
        match known {
            None => assert_eq!(value, Ok(None)),
            Some((Content::Plain(expected), _)) => assert_eq!(value, Ok(Some(expected.clone()))),
            Some((Content::Table(table), _)) => {
                assert_eq!(value, Err(Error::HoldsTable));
                for field in 0..4u8 {
                    let value = cache.hget(&[key], &[field]).unwrap();
                    assert_eq!(value.as_ref().map(AsRef::as_ref), table.get(&field).map(Vec::as_slice));
                }
            }
        }
    }
    cache.check();
}

proptest! {
    #[test]
    fn does_what_a_map_does(steps in prop::collection::vec(step(), 0..120)) {
        let (cache, clock) = cache();
        let mut model = Model::new();
        let mut now_ms = 5;
        for step in &steps {
            prop_assert_eq!(answer(&cache, &clock, step), expected(&mut model, now_ms, step), "{:?}", step);
            if let Step::Pass(ms) = step {
                now_ms += ms;
            }
        }
        compare(&cache, &model, now_ms);
    }
}
