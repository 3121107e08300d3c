//! The Python literals in a header: strings, whole numbers, names, tuples, lists and dictionaries.

/// A value.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Literal {
    Text(String),
    Number(u64),
    /// `True`, `False` or `None`.
    Name(String),
    /// A tuple or a list.
    Items(Vec<Literal>),
    Pairs(Vec<(Literal, Literal)>),
}

/// A header nests four deep; what nests deeper is none.
const DEEPEST: usize = 16;

impl Literal {
    /// The whole text as one value; `None` where it is none.
    pub(super) fn parse(text: &[u8]) -> Option<Literal> {
        let mut rest = Rest(text);
        let value = rest.value(0)?;
        (rest.next() == Token::End).then_some(value)
    }

    pub(super) fn text(&self) -> Option<&str> {
        match self {
            Literal::Text(text) => Some(text),
            _ => None,
        }
    }

    pub(super) fn items(&self) -> Option<&[Literal]> {
        match self {
            Literal::Items(items) => Some(items),
            _ => None,
        }
    }

    /// The value of a dictionary's key.
    pub(super) fn get(&self, key: &str) -> Option<&Literal> {
        let Literal::Pairs(pairs) = self else { return None };
        pairs.iter().find(|(name, _)| name.text() == Some(key)).map(|(_, value)| value)
    }
}

#[derive(Debug, PartialEq)]
enum Token {
    Value(Literal),
    Sign(u8),
    End,
    Wrong,
}

struct Rest<'a>(&'a [u8]);

impl Rest<'_> {
    fn next(&mut self) -> Token {
        self.0 = self.0.trim_ascii_start();
        let Some((&first, after)) = self.0.split_first() else { return Token::End };
        match first {
            b'\'' | b'"' => {
                let Some(end) = after.iter().position(|b| *b == first) else { return Token::Wrong };
                let text = String::from_utf8_lossy(&after[..end]).into_owned();
                self.0 = &after[end + 1..];
                match text.contains('\\') {
                    true => Token::Wrong,
                    false => Token::Value(Literal::Text(text)),
                }
            }
            b'0'..=b'9' => {
                let end = self.0.iter().position(|b| !b.is_ascii_digit());
                let (digits, rest) = self.0.split_at(end.unwrap_or(self.0.len()));
                // Python 2 wrote `10L`.
                self.0 = rest.strip_prefix(b"L").unwrap_or(rest);
                let number = std::str::from_utf8(digits).ok().and_then(|d| d.parse().ok());
                number.map_or(Token::Wrong, |n| Token::Value(Literal::Number(n)))
            }
            b'A'..=b'Z' => {
                let end = self.0.iter().position(|b| !b.is_ascii_alphabetic());
                let (name, rest) = self.0.split_at(end.unwrap_or(self.0.len()));
                self.0 = rest;
                Token::Value(Literal::Name(String::from_utf8_lossy(name).into_owned()))
            }
            sign => {
                self.0 = after;
                Token::Sign(sign)
            }
        }
    }

    fn value(&mut self, depth: usize) -> Option<Literal> {
        match self.next() {
            Token::Value(value) => Some(value),
            _ if depth == DEEPEST => None,
            Token::Sign(b'(') => self.items(b')', depth).map(Literal::Items),
            Token::Sign(b'[') => self.items(b']', depth).map(Literal::Items),
            Token::Sign(b'{') => {
                let mut pairs = Vec::new();
                while !self.ends(b'}') {
                    let key = self.value(depth + 1)?;
                    (self.next() == Token::Sign(b':')).then_some(())?;
                    pairs.push((key, self.value(depth + 1)?));
                    self.separator(b'}')?;
                }
                Some(Literal::Pairs(pairs))
            }
            _ => None,
        }
    }

    fn items(&mut self, end: u8, depth: usize) -> Option<Vec<Literal>> {
        let mut items = Vec::new();
        while !self.ends(end) {
            items.push(self.value(depth + 1)?);
            self.separator(end)?;
        }
        Some(items)
    }

    /// Whether a list ends here; its end is passed then.
    fn ends(&mut self, sign: u8) -> bool {
        self.0 = self.0.trim_ascii_start();
        match self.0.strip_prefix(&[sign]) {
            Some(rest) => {
                self.0 = rest;
                true
            }
            None => false,
        }
    }

    /// A comma, or the end of the list, which is not passed.
    fn separator(&mut self, end: u8) -> Option<()> {
        self.0 = self.0.trim_ascii_start();
        match self.0.first() {
            Some(b',') => self.0 = &self.0[1..],
            Some(sign) if *sign == end => {}
            _ => return None,
        }
        Some(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_numpy_writes_is_understood() {
        let text = b"{'descr': [(('t', 'a'), '<i8'), ('b', '|u1')], 'fortran_order': False, \
                     'shape': (3L,), }     \n";
        let header = Literal::parse(text).unwrap();
        let shape = header.get("shape").and_then(Literal::items).unwrap();
        assert_eq!(shape, [Literal::Number(3)]);
        assert_eq!(header.get("fortran_order"), Some(&Literal::Name("False".into())));
        assert_eq!(header.get("descr").and_then(Literal::items).map(<[_]>::len), Some(2));
        for bad in [&b"{"[..], b"{'a' 1}", b"(1 2)", b"'a", b"{}{}", b"", b"99999999999999999999"] {
            assert_eq!(Literal::parse(bad), None);
        }
        assert_eq!(Literal::parse(&[b'('; 100_000]), None);
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in "[\\[\\](){}',:L0-9a-zA-Z \\\\\"]{0,60}") {
            let _ = Literal::parse(text.as_bytes());
        }
    }
}
