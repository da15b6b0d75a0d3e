//! The encoding of protobuf messages (<https://protobuf.dev/programming-guides/encoding/>): fields with a number, and how
//! long each is. What is not asked for is passed over without a look inside.

/// What a field holds, by its wire type.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Wire<'a> {
    /// A number or a truth value.
    Varint(u64),
    /// A text, bytes or a message.
    Bytes(&'a [u8]),
    /// A number of four or eight bytes, which no field has that is read.
    Fixed,
}

/// A message that ends in the middle of a field, or has what is no field.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Broken;

/// The fields of a message, in the order in which they were written.
#[derive(Clone, Copy, Debug)]
pub(super) struct Fields<'a> {
    rest: &'a [u8],
}

/// A field with its number.
pub(super) type Field<'a> = (u32, Wire<'a>);

impl<'a> Fields<'a> {
    pub(super) const fn new(message: &'a [u8]) -> Self {
        Self { rest: message }
    }

    /// The next field; `None` behind the last one.
    pub(super) fn next(&mut self) -> Result<Option<Field<'a>>, Broken> {
        if self.rest.is_empty() {
            return Ok(None);
        }
        let tag = self.varint()?;
        let number = u32::try_from(tag >> 3).ok().filter(|number| *number > 0).ok_or(Broken)?;
        let value = match tag & 7 {
            0 => Wire::Varint(self.varint()?),
            1 => self.take(8).map(|_| Wire::Fixed)?,
            2 => {
                let bytes = usize::try_from(self.varint()?).map_err(|_| Broken)?;
                Wire::Bytes(self.take(bytes)?)
            }
            5 => self.take(4).map(|_| Wire::Fixed)?,
            // Groups, which Kubernetes has none of.
            _ => return Err(Broken),
        };
        Ok(Some((number, value)))
    }

    /// From here on all fields in a row of this number, which are the elements of a list or of a map; they are passed over.
    pub(super) fn run(&mut self, number: u32) -> Result<Self, Broken> {
        let begin = self.rest;
        loop {
            let before = self.rest;
            if !matches!(self.next()?, Some((next, _)) if next == number) {
                self.rest = before;
                let length = begin.len() - before.len();
                return Ok(Self { rest: begin.get(..length).unwrap_or_default() });
            }
        }
    }

    fn take(&mut self, bytes: usize) -> Result<&'a [u8], Broken> {
        let (taken, rest) = self.rest.split_at_checked(bytes).ok_or(Broken)?;
        self.rest = rest;
        Ok(taken)
    }

    fn varint(&mut self) -> Result<u64, Broken> {
        let mut number = 0;
        for (shift, byte) in (0..).step_by(7).zip(self.rest) {
            let part = u64::from(byte & 0x7f);
            // The tenth byte has one bit left.
            if shift > 63 || (shift == 63 && part > 1) {
                return Err(Broken);
            }
            number |= part << shift;
            if byte & 0x80 == 0 {
                self.rest = self.rest.get(shift / 7 + 1..).unwrap_or_default();
                return Ok(number);
            }
        }
        Err(Broken)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(message: &[u8]) -> Result<Vec<(u32, Wire<'_>)>, Broken> {
        let (mut fields, mut found) = (Fields::new(message), Vec::new());
        while let Some(field) = fields.next()? {
            found.push(field);
        }
        Ok(found)
    }

    #[test]
    fn fields_are_read_by_number_and_wire_type() {
        // The examples of the specification: 150, "testing", and fields of fixed length, which are passed over.
        assert_eq!(all(&[0x08, 0x96, 0x01]), Ok(vec![(1, Wire::Varint(150))]));
        assert_eq!(all(b"\x12\x07testing"), Ok(vec![(2, Wire::Bytes(b"testing"))]));
        assert_eq!(
            all(b"\x0d\x01\x02\x03\x04\x11\x01\x02\x03\x04\x05\x06\x07\x08\x18\x01"),
            Ok(vec![(1, Wire::Fixed), (2, Wire::Fixed), (3, Wire::Varint(1))])
        );
        let most = [0x08, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01];
        assert_eq!(all(&most), Ok(vec![(1, Wire::Varint(u64::MAX))]));
        assert_eq!(all(&[]), Ok(Vec::new()));
    }

    #[test]
    fn a_message_that_ends_in_the_middle_or_has_no_fields_is_broken() {
        for message in [
            &b"\x08"[..],
            b"\x08\x80",
            b"\x12\x08testing",
            b"\x12\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01",
            b"\x0d\x01\x02\x03",
            b"\x11\x01",
            b"\x00\x01",
            b"\x0b",
            b"\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02",
            b"\x08\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x00",
        ] {
            assert_eq!(all(message), Err(Broken), "{message:x?}");
        }
    }

    #[test]
    fn the_elements_of_a_list_are_those_in_a_row() {
        let message = b"\x12\x01a\x12\x01b\x18\x01\x12\x01c";
        let mut fields = Fields::new(message);
        assert_eq!(fields.run(2).map(|run| run.rest), Ok(&b"\x12\x01a\x12\x01b"[..]));
        assert_eq!(fields.next(), Ok(Some((3, Wire::Varint(1)))));
        assert_eq!(fields.run(2).map(|run| run.rest), Ok(&b"\x12\x01c"[..]));
        assert_eq!(fields.run(2).map(|run| run.rest), Ok(&b""[..]));
        assert_eq!(fields.next(), Ok(None));
    }
}
