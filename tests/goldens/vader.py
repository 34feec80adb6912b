#!/usr/bin/env python3
"""Writes tests/data/score: sentences with the compound valence of VADER's own package, and those
lines of its lexicon (MIT licence) and its emojis that the sentences touch.

Needs the package vaderSentiment (made with 3.3.2).
Run:  python tests/goldens/vader.py tests/data/score
"""

import itertools
import pathlib
import sys

from vaderSentiment.vaderSentiment import SentiText, SentimentIntensityAnalyzer

written = """
The film was good.
The film was GOOD.
THE FILM WAS GOOD.
The film was VERY good!
The film was very very good!!
The film was GOOD!!!!
The film was GOOD!!!!!!!!
Was the film good?
Was the film good??
Was the film good???
Was the film good?????
The film was good?!?!
I have never been so happy.
I have never seen this good a film.
I have never in my life loved anything.
Never so good a day.
Never this nice.
Without doubt a great evening.
Without a doubt a great evening.
Without any joy we left.
He acts without real talent or charm.
It was the least interesting of them all.
At least it was funny.
The very least charming actor of all.
least good
Least of all good.
It was, at the very least, honest.
There was no joy, no hope, no fun.
No good ending, no.
no no no
No, I liked it.
It has no humour or charm.
It has no wit nor charm.
no fun
That is a NO good idea.
The plot was bad, but the acting was superb.
The acting was superb BUT the plot was bad.
Good but good.
good good but good good bad
bad, good, but bad and good, but great and awful
but
But nice.
I kind of like it.
I like it kind of, not a lot.
That is sort of a nice touch, we thought.
It was just enough fun for us.
It was just enough of a good thing.
We all really kind of love this.
What kind of awful joke is this?
kind of
It was kind.
This soundtrack is the bomb.
This soundtrack is quite simply the bomb, friends.
And this one here is the shit today.
Some say that he is bad ass in this one.
She plays one more bad ass detective here.
He was waiting at the bus stop sadly.
Oh well yeah right, good for them.
Critics gave it the kiss of death today.
And I say it has a score to die for.
You can hear the beating heart of it all.
Badass!
He is such a badass, no doubt about it.
It isn't good.
It isn't a very good film.
It wasn't at all what I would call good.
I can't say I hate it.
I cannot recommend it, sadly.
Nobody can hate this, not even I.
It wouldnt hurt to smile.
Rarely funny, seldom moving, never dull.
Despite the praise it fails.
Nothing works, nowhere is there hope.
Neither smart nor funny.
Hardly a masterpiece, barely a film, almost a crime.
A slightly dull but totally charming comedy.
An INCREDIBLY stupid script.
an incredibly STUPID script
An INCREDIBLY STUPID script
Less exciting, more annoying.
A little love and a little hate.
The most beautiful, most terrible thing.
Totally, utterly, completely wonderful!
It fucking rules, I love it.
That was friggin awesome, dude.
:)
:-( and then :)
So sad :( :( :(
<3 <3
I laughed :D and cried :'(
lol
LOL that was lame
meh
Great, "great", (great), great!
*excellent*
...wonderful...
well-made and heart-warming
a would-be thriller that's pretty sad
Nothing.
The train leaves at noon from the second platform.
x
!
?? !!

He won the prize and lost his mind.
Brilliant first half; dreadful second half; mixed feelings.
I hoped for a triumph and got a disaster.
The villain is evil, cruel and brilliant.
The child's death is tragic, yet the ending is hopeful.
Their love survives war, betrayal and murder.
Boring, BORING, boring!
I don't think it's bad.
I don't think it's bad, but I don't think it's good.
Nice tryyy.
It SUX, it rocks.
What a waste of talent, time and money...
Thanks for nothing!
Congratulations, you have ruined it.
Perfect? No. Enjoyable? Yes!
Sure, it is fun; sure, it is dumb.
The café scene is lovely, the fiancé is horrible.
ÉCLAT: A GREAT FILM, truly.
Über good and ÜBER GOOD.
“Superb” – that’s what they said.
I didn’t like it.
A charming\u00a0little\u2003film with a\u3000happy end.
I love it 😀
I love it😀😁!
😂
It was 💔 for me
GREAT 😡 AWFUL
"""

subjects = ["The acting", "This sequel"]
verbs = ["is", "is not", "isn't", "was never", "is hardly", "is at least", "is no"]
degrees = ["", "very", "VERY", "kind of", "so", "somewhat"]
words = ["good", "horrible", "FUNNY"]
ends = [".", "!!", ", but the music is awful.", ", but nobody cares???"]

sentences = written.strip("\n").split("\n")
for i, (s, v, d, w) in enumerate(itertools.product(subjects, verbs, degrees, words)):
    sentences.append(" ".join(filter(None, [s, v, d, w])) + ends[i % len(ends)])

folder = pathlib.Path(sys.argv[1])
folder.mkdir(parents=True, exist_ok=True)
vader = SentimentIntensityAnalyzer()
used = set()
characters = set()
lines = []
for sentence in sentences:
    lines.append(f"{vader.polarity_scores(sentence)['compound']:.4f}\t{sentence}\n")
    spelled = "".join(f" {vader.emojis[c]} " if c in vader.emojis else c for c in sentence)
    for text in (sentence, spelled):
        used.update(w.lower() for w in SentiText(text).words_and_emoticons)
    characters.update(sentence)


def part(text, wanted):
    return "".join(line + "\n" for line in text.rstrip("\n").split("\n")
                   if line.strip().split("\t")[0] in wanted)


(folder / "vader.tsv").write_text("".join(lines), encoding="utf-8")
(folder / "vader_lexicon.txt").write_text(part(vader.lexicon_full_filepath, used), encoding="utf-8")
(folder / "vader_emojis.txt").write_text(part(vader.emoji_full_filepath, characters),
                                         encoding="utf-8")
print(len(lines), "sentences,", sum(not l.startswith("0.0000") for l in lines), "with a valence")
