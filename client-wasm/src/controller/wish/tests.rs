//! What is wanted after a row of commands.

use super::*;
use crate::passphrase::Passphrase;
use crate::protocol::JobId;
use crate::state::Keeping;

fn drawing(job: JobId) -> Drawing {
    let inputs = [vec![0.5; 4]].into();
    Drawing { job, inputs }
}

fn read(job: JobId) -> Command {
    Command::Read(drawing(job))
}

fn prepare() -> Task {
    Task::Prepare(None)
}

fn reading() -> Task {
    Task::Read(drawing(JobId::default()))
}

fn keys(command: KeyCommand) -> Command {
    Command::Keys(command)
}

/// A wish of which nothing is being done.
fn after(commands: impl IntoIterator<Item = Command>) -> Wish {
    let mut wish = Wish::opening(None);
    for command in commands {
        wish.heed(command, None);
    }
    wish
}

/// Everything that is done from here on, when all goes well.
fn course(wish: &mut Wish, mut ready: bool) -> Vec<Task> {
    let mut course = Vec::new();
    while let Some(task) = wish.task(ready) {
        let after = match &task {
            Task::Keys(KeyCommand::New | KeyCommand::Open { .. }) => After::Prepare,
            Task::Keys(KeyCommand::Forget) => After::Forgotten,
            _ => After::Nothing,
        };
        ready = match &task {
            Task::Prepare(_) => true,
            _ => ready && after == After::Nothing,
        };
        wish.done(&task, after);
        course.push(task);
    }
    course
}

#[test]
fn a_drawing_waits_until_all_is_ready() {
    let mut wish = Wish::opening(None);
    assert_eq!(wish.task(false), None);
    assert!(!wish.heed(Command::Open, None));
    assert_eq!(wish.task(false), Some(prepare()));
    let job = JobId::default();
    assert!(!wish.heed(read(job), Some(&prepare())));
    wish.done(&prepare(), After::Nothing);
    assert_eq!(wish.task(true), Some(reading()));
    assert_eq!(wish.task(false), Some(prepare()), "the session was lost");
    wish.done(&reading(), After::Nothing);
    assert_eq!((wish.task(true), wish.task(false)), (None, None));
}

#[test]
fn reading_ends_when_the_drawing_changes_and_preparing_does_not() {
    let job = JobId::default();
    let begun = || {
        let mut wish = after([read(job)]);
        wish.sessions_lost = 1;
        wish
    };
    for (doing, ends) in [(prepare(), false), (reading(), true)] {
        let mut wish = begun();
        assert_eq!(wish.heed(Command::Abandon, Some(&doing)), ends);
        assert_eq!((wish.drawing, wish.sessions_lost), (None, 0));

        let mut wish = begun();
        assert_eq!(wish.heed(read(job.next()), Some(&doing)), ends);
        assert_eq!(wish.drawing, Some(drawing(job.next())));
        assert_eq!(wish.sessions_lost, 0);
    }
}

#[test]
fn another_model_ends_everything_of_the_one_before() {
    for (doing, ends) in [
        (None, false),
        (Some(prepare()), true),
        (Some(reading()), true),
        (Some(Task::Keys(KeyCommand::New)), false),
    ] {
        let mut wish = Wish::opening(Some("one".into()));
        wish.heed(read(JobId::default()), None);
        let choice = ChoiceId::default().next();
        let chosen = Command::Choose(choice, "two".into());
        assert_eq!(wish.heed(chosen, doing.as_ref()), ends, "{doing:?}");
        assert_eq!(wish.choice, choice);
        assert_eq!(wish.drawing, None);
        assert_eq!(wish.task(true), Some(Task::Prepare(Some("two".into()))));
    }
}

#[test]
fn a_failure_waits_for_a_person() {
    let mut wish = Wish::opening(Some("one".into()));
    wish.heed(Command::Open, None);
    wish.heed(read(JobId::default()), None);
    wish.give_up();
    assert_eq!((wish.task(true), wish.task(false)), (None, None));
    assert_eq!(wish.model.as_deref(), Some("one"), "the choice stays");
}

#[test]
fn key_work_comes_first_and_in_its_order() {
    let passphrase = Passphrase::new("correct horse".into());
    let work = [
        KeyCommand::Keep(Keeping::Device),
        KeyCommand::Seal(passphrase),
        KeyCommand::New,
    ];
    let mut wish = after([read(JobId::default()), Command::Open]);
    for command in work.clone() {
        for doing in [prepare(), reading(), Task::Keys(KeyCommand::New)] {
            let mut other = after([read(JobId::default())]);
            let ends = other.heed(keys(command.clone()), Some(&doing));
            assert!(!ends, "{command:?} while {doing:?}");
        }
        wish.heed(keys(command), None);
    }
    let mut expected: Vec<Task> = work.into_iter().map(Task::Keys).collect();
    expected.extend([prepare(), reading()]);
    assert_eq!(course(&mut wish, true), expected);
}

#[test]
fn key_work_outlives_failures_and_other_models() {
    let seal = || KeyCommand::Seal(Passphrase::new("correct horse".into()));
    let mut wish = after([keys(seal())]);
    wish.give_up();
    assert_eq!(wish.task(false), Some(Task::Keys(seal())));
    let chosen = Command::Choose(ChoiceId::default().next(), "two".into());
    let mut wish = after([keys(seal()), chosen]);
    let expected = [Task::Keys(seal()), Task::Prepare(Some("two".into()))];
    assert_eq!(course(&mut wish, true), expected);
}

#[test]
fn forgetting_ends_what_needs_the_keys() {
    for (doing, ends) in [
        (prepare(), true),
        (reading(), true),
        (Task::Keys(KeyCommand::New), false),
    ] {
        let mut wish = after([read(JobId::default())]);
        let forget = keys(KeyCommand::Forget);
        assert_eq!(wish.heed(forget, Some(&doing)), ends, "{doing:?}");
    }
}

#[test]
fn nothing_makes_keys_after_they_are_forgotten() {
    let forget = || keys(KeyCommand::Forget);
    let forgotten = || {
        let mut wish = after([read(JobId::default()), forget()]);
        assert_eq!(course(&mut wish, true), [Task::Keys(KeyCommand::Forget)]);
        wish
    };
    let mut wish = forgotten();
    wish.heed(read(JobId::default()), None);
    wish.heed(Command::EncryptAgain([vec![0.5]].into()), None);
    assert_eq!(course(&mut wish, false), []);

    let mut wish = forgotten();
    wish.heed(
        Command::Choose(ChoiceId::default().next(), "two".into()),
        None,
    );
    let described = Task::Describe(Some("two".into()));
    assert_eq!(course(&mut wish, false), std::slice::from_ref(&described));
    assert!(wish.heed(Command::Open, Some(&described)));
    let prepare_two = Task::Prepare(Some("two".into()));
    assert_eq!(course(&mut wish, false), [prepare_two]);

    let mut wish = forgotten();
    wish.heed(keys(KeyCommand::New), None);
    let expected = [Task::Keys(KeyCommand::New), prepare()];
    assert_eq!(course(&mut wish, false), expected);
}

#[test]
fn keys_that_can_not_be_forgotten_go_on_serving() {
    let mut wish = after([Command::Open, read(JobId::default())]);
    wish.heed(keys(KeyCommand::Forget), Some(&prepare()));
    let task = wish.task(false).unwrap();
    assert_eq!(task, Task::Keys(KeyCommand::Forget));
    wish.done(&task, After::Nothing);
    assert_eq!(course(&mut wish, false), [prepare(), reading()]);
}

#[test]
fn a_drawing_is_encrypted_again_once_it_disturbs_nothing() {
    let inputs: Rc<[Vec<f64>]> = [vec![0.5; 4]].into();
    let again = || Command::EncryptAgain(Rc::clone(&inputs));
    let mut wish = after([read(JobId::default())]);
    assert!(!wish.heed(again(), Some(&reading())));
    let expected = [reading(), Task::EncryptAgain(Rc::clone(&inputs))];
    assert_eq!(course(&mut wish, true), expected);
    let mut wish = after([again()]);
    assert_eq!(course(&mut wish, false), [], "there is no key yet");
}

#[test]
fn a_model_that_is_chosen_while_keys_are_forgotten_is_described() {
    let mut wish = after([keys(KeyCommand::Forget)]);
    let forget = wish.task(true).expect("something to do");
    let chosen = Command::Choose(ChoiceId::default().next(), "two".into());
    assert!(!wish.heed(chosen, Some(&forget)));
    wish.done(&forget, After::Forgotten);
    let described = Task::Describe(Some("two".into()));
    assert_eq!(course(&mut wish, false), [described]);
}

#[test]
fn a_retry_makes_no_keys_after_all_were_forgotten() {
    let mut wish = after([keys(KeyCommand::Forget)]);
    course(&mut wish, true);
    wish.heed(Command::Retry, None);
    assert_eq!(course(&mut wish, false), [Task::Describe(None)]);
    wish.heed(Command::Open, None);
    assert_eq!(course(&mut wish, false), [prepare()], "a person asked");
}
