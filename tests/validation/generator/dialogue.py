"""An invented, harmless role-play about sleep and work: (speaker, text); 0 is the trainee, 1 the client."""

LINES: tuple[tuple[int, str], ...] = (
    (0, "Hello Sam, good to see you again. Can you hear me all right?"),
    (1, "Yes, I can hear you fine. Hello Alex."),
    (0, "We have a bit of time today. Where would you like to begin?"),
    (
        1,
        "Well, I think the sleep is still the main thing. I lie down at eleven and then I am "
        "wide awake until one or two.",
    ),
    (0, "Mm-hm."),
    (
        1,
        "And the more I look at the clock, the worse it gets. Then in the morning I am tired "
        "before the day has even started.",
    ),
    (
        0,
        "So the night is long, and the clock makes it longer. What goes through your mind while you lie there?",
    ),
    (
        1,
        "Mostly work, to be honest. The list for the next day. Whether I have answered "
        "everybody. Silly things, really.",
    ),
    (0, "They do not sound silly to me. They sound like things that matter to you."),
    (1, "Maybe. It is only that nobody else seems to worry about a spreadsheet at midnight."),
    (0, "Right. And what happened at work this week?"),
    (
        1,
        "We have a new schedule. Two colleagues left in spring and their tasks were simply "
        "shared out among the rest of us.",
    ),
    (0, "Oh, I see."),
    (
        1,
        "I said yes to everything, as usual. On Monday I had four meetings in a row and no "
        "lunch. I went home and sat in the car for ten minutes before I could go in.",
    ),
    (0, "Ten minutes in the car. What was that like?"),
    (1, "Quiet. It was the best part of the day. That made me laugh and it made me a little sad as well."),
    (
        0,
        "I can hear both of those. The relief of the quiet, and some sadness that it had to be in a parked car.",
    ),
    (1, "Yes. Exactly that."),
    (0, "Could we stay with the quiet for a moment? What did you notice in your body then?"),
    (
        1,
        "My shoulders came down. I had not noticed that they were up around my ears all day. "
        "And I was breathing slowly.",
    ),
    (0, "Mm-hm. Your shoulders knew it before you did."),
    (1, "They usually do. My sister says she can tell from my shoulders what kind of day I had."),
    (0, "That is a nice picture. Does your sister know about the nights?"),
    (1, "A little. I do not want to bother her. She has two small children and sleeps less than I do."),
    (0, "So you are careful with other people's time, and you say yes when they ask for yours."),
    (1, "When you put it that way, it sounds rather unfair."),
    (0, "How does it feel to say that out loud?"),
    (1, "Strange. A bit lighter, perhaps. I always thought that this is just how a good colleague behaves."),
    (0, "And what would a good colleague say to you, if you were the one with four meetings?"),
    (
        1,
        "They would probably say, go and have your lunch, the meeting can wait. I would say that to anyone else.",
    ),
    (0, "To anyone else."),
    (1, "Yes, yes. I noticed that too."),
    (0, "You are smiling."),
    (1, "Well, it is a little funny. I give very good advice that I never follow."),
    (
        0,
        "You would not be the only one. Let us go back to the evenings. What do you do in the hour before bed?",
    ),
    (
        1,
        "I tidy the kitchen, I watch something, and then I check my messages one last time. "
        "And there is always one more message.",
    ),
    (0, "Mm-hm, and then?"),
    (
        1,
        "Then I answer it, of course. And after that I am awake again, as if somebody had switched the light on.",
    ),
    (0, "What do you think would happen if that message waited until the morning?"),
    (
        1,
        "Honestly? Nothing. Nobody would even notice. But it feels as if I were leaving the door open all night.",
    ),
    (0, "Leaving the door open. That is a strong image. What might come in?"),
    (1, "I suppose somebody being disappointed in me. I really do not like that thought."),
    (0, "That makes sense. Is it an old thought, or a new one?"),
    (1, "Old. When I was at school I used to pack my bag three times, to be sure that nothing was missing."),
    (0, "Three times. How old were you?"),
    (1, "Nine, maybe ten. My mother used to say, the bag is not going to run away."),
    (0, "I like that. It sounds as if she said it kindly."),
    (
        1,
        "She did. She would make tea and sit down next to me until I stopped checking. I had forgotten about that.",
    ),
    (0, "What is it like to remember it now?"),
    (1, "Warm. I can almost smell the tea. It is odd that I never think of it when I cannot sleep."),
    (0, "I wonder whether the nine year old and the person with the spreadsheet need something similar."),
    (1, "Tea and somebody who says that the bag is not going to run away. Yes. That would help."),
    (0, "Could you imagine trying something small with that this week?"),
    (1, "I could leave the phone in the kitchen. And make a cup of tea at ten instead of reading messages."),
    (0, "Phone in the kitchen, tea at ten. On how many evenings would that be realistic?"),
    (1, "Let me say three. If I say seven I will only feel bad about it by Wednesday."),
    (0, "Three sounds very reasonable. And what could get in the way?"),
    (1, "Thursday, because we have a deadline on Friday. So I would choose Monday, Tuesday and Saturday."),
    (0, "Good. You know your week well. What would you say to yourself if one evening does not work out?"),
    (1, "The bag is not going to run away."),
    (0, "That is lovely."),
    (
        1,
        "I might write it on a note and put it on the fridge. My sister would laugh about it, "
        "but she would understand.",
    ),
    (0, "Would you like to tell her about it?"),
    (1, "Maybe I will, on Sunday. We usually go for a walk with the children along the river."),
    (0, "That sounds good. Before we finish, how was it to talk about this today?"),
    (1, "Better than I expected. I came in thinking that we would only make a list of sleeping rules."),
    (0, "And what did we do instead?"),
    (1, "We found my mother's kitchen, somehow. I feel calmer than I did half an hour ago."),
    (0, "I am glad to hear that. Shall we look at how the three evenings went next time?"),
    (1, "Yes, please. I will bring the note with me, or at least a picture of the fridge."),
    (0, "Then I wish you a quiet week, Sam."),
    (1, "Thank you, Alex. See you next Tuesday. Goodbye."),
    (0, "Goodbye, take care."),
)
