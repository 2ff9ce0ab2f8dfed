//! Makes a hostile input of real ones: bit flips, interesting integers, cuts, splices. A case is a function of its seed.

use crate::Random;

/// Numbers at which lengths, counts and offsets tend to be handled wrongly.
const INTERESTING: [u64; 22] = [
    0,
    1,
    2,
    7,
    8,
    16,
    23,
    24,
    63,
    64,
    127,
    128,
    255,
    256,
    0x7FFF,
    0xFFFF,
    0x7FFF_FFFF,
    0x8000_0000,
    0xFFFF_FFFF,
    1 << 32,
    1 << 63,
    u64::MAX,
];

/// One of the seeds with one to four changes.
pub fn mutate(seeds: &[Vec<u8>], random: &mut Random) -> Vec<u8> {
    let mut input = seeds[random.below(seeds.len())].clone();
    if let Some(mode) = input.first_mut()
        && random.below(2) == 0
    {
        *mode = random.below(32) as u8;
    }
    for _ in 0..1 + random.below(4) {
        match random.below(10) {
            0..3 => flip(&mut input, random),
            3..7 => set_integer(&mut input, random),
            7 => cut(&mut input, random),
            8 => splice(&mut input, seeds, random),
            _ => fill(&mut input, random),
        }
    }
    input
}

/// A place, more often near one of the ends than not: that is where headers and footers are.
fn place(len: usize, random: &mut Random) -> usize {
    match random.below(4) {
        0 => random.below(len.min(256)),
        1 => len - random.below(len.min(256) + 1).max(1).min(len),
        _ => random.below(len),
    }
}

fn flip(input: &mut [u8], random: &mut Random) {
    if !input.is_empty() {
        let at = place(input.len(), random);
        input[at] ^= 1 << random.below(8);
    }
}

fn set_integer(input: &mut [u8], random: &mut Random) {
    if input.is_empty() {
        return;
    }
    let at = place(input.len(), random);
    let near = |number: u64, random: &mut Random| number.wrapping_add(random.below(3) as u64).wrapping_sub(1);
    let number = match random.below(4) {
        0 => near(input.len() as u64, random),
        1 => random.word(),
        _ => {
            let number = random.pick(&INTERESTING);
            near(number, random)
        }
    };
    let bytes = if random.below(4) == 0 { number.to_be_bytes() } else { number.to_le_bytes() };
    let width = random.pick(&[1, 1, 2, 4, 4, 8]);
    for (to, from) in input[at..].iter_mut().zip(bytes).take(width) {
        *to = from;
    }
}

fn range(len: usize, random: &mut Random) -> (usize, usize) {
    let start = random.below(len + 1);
    let most = if random.below(2) == 0 { 64 } else { len };
    (start, (start + random.below(most + 1)).min(len))
}

/// Ends the input early, or takes a piece out of it.
fn cut(input: &mut Vec<u8>, random: &mut Random) {
    let (start, end) = range(input.len(), random);
    if random.below(2) == 0 {
        input.truncate(start);
    } else {
        input.drain(start..end);
    }
}

/// Copies a piece of a seed over or into the input.
fn splice(input: &mut Vec<u8>, seeds: &[Vec<u8>], random: &mut Random) {
    let from = &seeds[random.below(seeds.len())];
    let (start, end) = range(from.len(), random);
    let at = random.below(input.len() + 1);
    let replaced = if random.below(2) == 0 { at } else { (at + end - start).min(input.len()) };
    input.splice(at..replaced, from[start..end].iter().copied());
}

/// Overwrites a piece with one byte, or adds such a piece at the end.
fn fill(input: &mut Vec<u8>, random: &mut Random) {
    let byte = random.pick(&[0, 0, 0xFF, b'%', random.clone().word() as u8]);
    let (start, end) = range(input.len(), random);
    if random.below(3) == 0 {
        input.resize(input.len() + (end - start).min(4096), byte);
    } else {
        input[start..end].fill(byte);
    }
}
