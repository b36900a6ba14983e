//! What a client answers: a line of names and numbers.

use crate::Failure;

#[derive(Clone, Debug, Default, PartialEq)]
pub struct Answer {
    numbers: Vec<(String, f64)>,
}

impl Answer {
    pub fn parse(line: &str) -> Result<Answer, Failure> {
        let words = line.split_whitespace().collect::<Vec<_>>();
        let mut numbers = Vec::new();
        for pair in words.chunks(2) {
            let &[name, number] = pair else {
                return Err(format!("a client said: {line:?}").into());
            };
            numbers.push((name.to_owned(), number.parse()?));
        }
        Ok(Answer { numbers })
    }

    pub fn number(&self, name: &str) -> Option<f64> {
        self.numbers.iter().find(|(known, _)| known == name).map(|(_, number)| *number)
    }
}
