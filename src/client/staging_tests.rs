//! What waits on its way to the outbox, and is taken out of it again.

use super::*;
use crate::protocol::MessageKind;

struct Page(Vec<u8>);

impl Lent for Page {
    fn bytes(&self) -> &[u8] {
        &self.0
    }
}

fn item(number: u64) -> Item {
    let completion = Completion::Event([0, 0]);
    Item::new(Opcode::Message(MessageKind::Binary), true, true, Some((number, completion)))
}

/// The thread that comes back from deflating a step must not take the next one for its own.
#[test]
fn what_is_withdrawn_while_a_step_of_it_is_deflated_leaves_what_is_behind_alone() {
    let mut staging = Staging::default();
    staging.push_back(item(3), Source::Lent(Box::new(Page(vec![1; 100]))));
    staging.push_back(item(16), Source::Kept(vec![2; 50]));
    staging.works_on_front = true;
    assert_eq!(staging.withdraw_lent().len(), 1);
    assert!(!staging.works_on_front);
    assert_eq!(staging.waiting(), cost(50));

    staging.works_on_front = true;
    assert!(staging.withdraw_lent().is_empty());
    assert!(staging.works_on_front, "what stands in front was not lent");
    let pending: Vec<_> = staging.abandon().iter().map(|one| one.number).collect();
    assert_eq!((pending, staging.works_on_front), (vec![16], false));
}
