//! The entries that came from the kernel, found by the value `_TRANSPORT=kernel`, which nobody but journald can give.

use std::io;

use super::data::{COUNT, Data, Links};
use super::form::{Bytes, ENTRY_ARRAY, FIELD, OBJECT_HEADER, broken, number};
use super::header::Header;

const NAME: &[u8] = b"_TRANSPORT";
const VALUE: &[u8] = b"_TRANSPORT=kernel";
/// Where the name of a field begins, and where its object tells of others.
const FIELD_NAME: u64 = 40;
/// journald makes 333 buckets for names (`DEFAULT_FIELD_HASH_TABLE_SIZE`), and there are a few hundred names.
const MOST_BUCKETS: u64 = 1 << 16;
const MOST_NAMES: u32 = 1 << 17;
/// There are six ways for an entry to come (`_TRANSPORT=` in `systemd.journal-fields(7)`).
const MOST_VALUES: u32 = 64;
/// Where the file's header counts entries; each is counted there first.
const ENTRIES: u64 = 152;
/// Where the items of an array begin.
const ITEMS: u64 = 24;

/// The entries, in the order they were written, as far as they are there.
#[derive(Debug, Default)]
pub(super) struct KernelEntries {
    /// The object of the field's name.
    field: Option<u64>,
    /// That of the value.
    value: Option<u64>,
    taken: u64,
    array: Option<Array>,
}

/// Where in the chain of arrays the next entry is.
#[derive(Clone, Copy, Debug)]
struct Array {
    at: u64,
    /// How many entries stand before its first one.
    before: u64,
    length: u64,
}

impl KernelEntries {
    /// Whether there is one that was not taken.
    pub(super) fn any(&mut self, file: &Bytes, header: &Header) -> io::Result<bool> {
        let Some(value) = self.value(file, header)? else { return Ok(false) };
        Ok(file.number(value + COUNT)? > self.taken)
    }

    /// Where the next one is; `None`: there is none yet.
    pub(super) fn next(&mut self, file: &Bytes, header: &Header) -> io::Result<Option<u64>> {
        let Some(value) = self.value(file, header)? else { return Ok(None) };
        if self.taken >= file.number(value + COUNT)? {
            return Ok(None);
        }
        let links = Links::read(file, value)?;
        if links.entries > file.number(ENTRIES)? {
            return Err(broken(format!("the value at byte {value} has more entries than the file")));
        }
        let at = if self.taken == 0 {
            links.first_entry
        } else {
            let width = if header.compact { 4 } else { 8 };
            let array = self.array_of(file, links.array, width)?;
            let item = array.at + ITEMS + (self.taken - array.before) * width;
            file.offset(item, header.compact)?
        };
        // Counted, and not yet written.
        if at == 0 {
            return Ok(None);
        }
        self.taken += 1;
        Ok(Some(at))
    }

    /// The array that has the next entry; each is longer than the one before.
    fn array_of(&mut self, file: &Bytes, first: u64, width: u64) -> io::Result<Array> {
        let mut array = match self.array {
            Some(array) => array,
            None => load(file, first, 1, width)?,
        };
        while self.taken - array.before >= array.length {
            if array.length == 0 {
                return Err(broken(format!("the list at byte {} has no room", array.at)));
            }
            let next = file.number(array.at + OBJECT_HEADER)?;
            array = load(file, next, array.before + array.length, width)?;
        }
        self.array = Some(array);
        Ok(array)
    }

    fn value(&mut self, file: &Bytes, header: &Header) -> io::Result<Option<u64>> {
        if self.value.is_none() {
            if self.field.is_none() {
                self.field = find_field(file, header)?;
            }
            if let Some(field) = self.field {
                self.value = find_value(file, header, field)?;
            }
        }
        Ok(self.value)
    }
}

fn load(file: &Bytes, at: u64, before: u64, width: u64) -> io::Result<Array> {
    let object = file.object(at, ENTRY_ARRAY)?;
    Ok(Array { at, before, length: object.size.saturating_sub(ITEMS) / width })
}

fn find_field(file: &Bytes, header: &Header) -> io::Result<Option<u64>> {
    let (at, size) = header.field_table;
    let (mut names, mut bucket) = (0, [0; 16]);
    for number_of in 0..(size / 16).min(MOST_BUCKETS) {
        file.exact(at.saturating_add(number_of * 16), &mut bucket)?;
        let mut field = number(&bucket, 0);
        while field != 0 {
            let object = file.object(field, FIELD)?;
            if object.size == FIELD_NAME + NAME.len() as u64
                && file.array::<{ NAME.len() }>(field + FIELD_NAME)? == NAME
            {
                return Ok(Some(field));
            }
            field = file.number(field + OBJECT_HEADER + 8)?;
            names += 1;
            if names > MOST_NAMES {
                return Err(broken("its names have no end".to_owned()));
            }
        }
    }
    Ok(None)
}

fn find_value(file: &Bytes, header: &Header, field: u64) -> io::Result<Option<u64>> {
    let mut value = file.number(field + OBJECT_HEADER + 16)?;
    let mut data = Data::default();
    for _ in 0..MOST_VALUES {
        if value == 0 {
            return Ok(None);
        }
        if data.read(file, header.compact, value, |_| false)? && data.bytes() == VALUE {
            return Ok(Some(value));
        }
        value = Links::read(file, value)?.next_of_field;
    }
    Err(broken(format!("the values of {} have no end", String::from_utf8_lossy(NAME))))
}
