// What the people of the stage have written to each other: ordinary things, over some weeks.

import { hull, landscape, pdf } from "./pictures.ts";

export const HOME = "meadow.example";
export const AWAY = "harbour.example";
/** In DNS, but nobody listens there. */
export const SILENT = "windmill.example";

export const ALICE = `@alice@${HOME}`;
export const CHRIS = `@chris@${HOME}`;
export const OFFICE = `@office@${HOME}`;
export const BOB = `@bob@${AWAY}`;
export const DORA = `@dora.lindqvist@${AWAY}`;
export const LAYLA = `@ليلى@${AWAY}`;
export const NOTICES = `@notices@${AWAY}`;

export const USERS: readonly string[] = [ALICE, CHRIS, OFFICE, BOB, DORA, LAYLA, NOTICES];

export interface Letter {
  /** What answers and tests call it. */
  readonly name: string;
  /** Minutes before now. */
  readonly ago: number;
  readonly from: string;
  readonly to: readonly string[];
  /** One of the two: what it is about, or the name of the letter that it answers. */
  readonly topic?: string;
  readonly answers?: string;
  readonly body: string;
  readonly type?: string;
  readonly attach?: readonly { readonly filename: string; readonly body: string | Uint8Array }[];
  readonly important?: boolean;
  readonly noReply?: boolean;
  /** Not read by alice yet. */
  readonly unread?: boolean;
}

/** Somebody is added to a letter. */
export interface Adding {
  readonly ago: number;
  readonly from: string;
  readonly addTo: string;
  readonly people: readonly string[];
}

const MARKDOWN = "text/markdown";
const HOUR = 60;
const DAY = 24 * HOUR;

/** The oldest first. */
export function letters(): (Letter | Adding)[] {
  return [...fillers(), ...HARVEST, ...BOAT, ...TRIP, ...SINGLE].toSorted((a, b) => b.ago - a.ago);
}

const HARVEST: readonly (Letter | Adding)[] = [
  {
    name: "harvest",
    ago: 2 * DAY + 5 * HOUR,
    from: BOB,
    to: [ALICE, CHRIS],
    topic: "Apple harvest on Saturday",
    body:
      "Hello you two,\n\nthe Cox are ready and the weather holds until Sunday. I would like to pick the lower orchard on Saturday, starting at eight. We need six people, two ladders more than we have, and somebody with a trailer.\n\nWho can come, and who brings what?\n\nBob",
  },
  {
    name: "harvest-chris",
    ago: 2 * DAY + 4 * HOUR,
    from: CHRIS,
    to: [ALICE, BOB],
    answers: "harvest",
    body:
      "I come with my brother and both long ladders. The trailer is yours if you fetch it on Friday; the left light is broken, so please not after dark.",
  },
  {
    name: "harvest-alice",
    ago: 2 * DAY + 3 * HOUR,
    from: ALICE,
    to: [BOB, CHRIS],
    answers: "harvest",
    body:
      "Count me in, and Dora would like to help too. I make soup for everybody and bring the big pot.",
  },
  { ago: 2 * DAY + 2 * HOUR, from: ALICE, addTo: "harvest", people: [DORA] },
  {
    name: "harvest-plan",
    ago: 1 * DAY + 6 * HOUR,
    from: BOB,
    to: [ALICE, CHRIS],
    answers: "harvest-alice",
    type: MARKDOWN,
    body: [
      "That makes **six of us**. Here is the plan:",
      "",
      "| Time  | Where          | Who             |",
      "|-------|----------------|-----------------|",
      "| 08:00 | Lower orchard  | all             |",
      "| 12:30 | Soup, barn     | *Alice*         |",
      "| 13:30 | Upper terrace  | Chris, Dora     |",
      "| 16:00 | Weighing       | Bob             |",
      "",
      "Please bring:",
      "",
      "1. gloves,",
      "2. a basket with a strap,",
      "3. something warm: it is *cold* up there before ten.",
      "",
      "> Boxes are at the gate already, and the press is reserved for Monday.",
      "",
      "The co-op's rules for windfall are on [their page](https://co-op.example/windfall).",
    ].join("\n"),
    attach: [
      { filename: "orchard-evening.png", body: landscape() },
      {
        filename: "harvest-plan.pdf",
        body: pdf("Harvest, lower orchard", ["08:00 Start at the gate", "12:30 Soup in the barn"]),
      },
      { filename: "trees.csv", body: "row,variety,trees\n1,Cox,14\n2,Cox,12\n3,Boskoop,9\n" },
    ],
  },
  {
    name: "harvest-chris-2",
    ago: 52,
    from: CHRIS,
    to: [BOB, ALICE],
    answers: "harvest-plan",
    body: "Perfect. The trailer's light is mended, so fetch it whenever you like.",
    unread: true,
  },
];

const BOAT: readonly (Letter | Adding)[] = [
  {
    name: "boat",
    ago: 6 * DAY + 7 * HOUR,
    from: DORA,
    to: [ALICE],
    topic: "The Kestrel's hull",
    type: MARKDOWN,
    body: [
      "I had her out of the water on Thursday. **One plank on the starboard side is soft**, the fourth below the deck; see the picture. The rest is sound.",
      "",
      "My measurements, so that you can check them:",
      "",
      "```",
      "plank   length   width   moisture",
      "   3    3.42 m   11 cm     14 %",
      "   4    3.38 m   11 cm     31 %   <- this one",
      "   5    3.35 m   10 cm     15 %",
      "```",
      "",
      "Larch would be `about 180` for the length we need. Shall I order it?",
    ].join("\n"),
    attach: [
      { filename: "hull-starboard.png", body: hull() },
      {
        filename: "survey-2026.pdf",
        body: pdf("Survey of the Kestrel", ["Hull: one plank to be replaced", "Rig: no findings"]),
      },
    ],
  },
  {
    name: "boat-yes",
    ago: 6 * DAY + 2 * HOUR,
    from: ALICE,
    to: [DORA],
    answers: "boat",
    body: "Yes, please order it. I pay half, as agreed. Can we do the steaming at yours?",
  },
  {
    name: "boat-when",
    ago: 5 * DAY + 22 * HOUR,
    from: DORA,
    to: [ALICE],
    answers: "boat-yes",
    body: "We can. The steam box takes two hours to get hot, so come early.",
  },
  {
    name: "boat-here",
    ago: 18,
    from: DORA,
    to: [ALICE],
    answers: "boat-when",
    body: "The larch is here, and it is beautiful. Next Wednesday?",
    unread: true,
  },
];

const TRIP: readonly (Letter | Adding)[] = [
  {
    name: "trip",
    ago: 9 * DAY,
    from: ALICE,
    to: [CHRIS, BOB, `@nobody@${AWAY}`],
    topic: "Walking the coast path in May",
    body:
      "I have looked at the map: four days from the lighthouse to the ferry, about 18 km each. Who would like to come? The huts have to be booked before Christmas.",
  },
  {
    name: "trip-chris",
    ago: 8 * DAY + 20 * HOUR,
    from: CHRIS,
    to: [ALICE, BOB],
    answers: "trip",
    body: "I would! But not before the 10th.",
  },
  {
    name: "trip-bob",
    ago: 8 * DAY + 18 * HOUR,
    from: BOB,
    to: [ALICE, CHRIS],
    answers: "trip",
    body: "With pleasure, if somebody carries the stove.",
  },
  {
    name: "trip-stove",
    ago: 8 * DAY + 17 * HOUR,
    from: CHRIS,
    to: [BOB, ALICE],
    answers: "trip-bob",
    body: "I carry the stove, you carry the food. Deal?",
  },
  {
    name: "trip-dates",
    ago: 8 * DAY + 10 * HOUR,
    from: ALICE,
    to: [CHRIS, BOB],
    answers: "trip-chris",
    body: "Then the 12th to the 15th. I book four beds in each hut.",
  },
];

const SINGLE: readonly (Letter | Adding)[] = [
  {
    name: "gate",
    ago: 3 * HOUR,
    from: OFFICE,
    to: [ALICE, CHRIS],
    topic: "Water is off tomorrow from 7 to 11",
    body:
      "The main pipe at the lower gate is repaired tomorrow. Please fill what you need tonight, and leave the tap in the barn closed.",
    important: true,
    unread: true,
  },
  {
    name: "notice",
    ago: 26 * HOUR,
    from: NOTICES,
    to: [ALICE],
    topic: "Your berth is paid until 31 March",
    body: "Berth 14, the Kestrel: 340.00 received, thank you. This notice was sent by a machine.",
    noReply: true,
  },
  {
    name: "arabic",
    ago: 4 * HOUR + 20,
    from: LAYLA,
    to: [ALICE],
    topic: "وصفة خبز الزيتون",
    body:
      "مرحبا أليس،\n\nهذه هي الوصفة التي سألت عنها: 500 غرام من الطحين، 300 مل من الماء، وملعقة صغيرة من الملح. اتركي العجين يرتاح ليلة كاملة.\n\nSee you on Friday!\nليلى",
    unread: true,
  },
  {
    name: "mill",
    ago: 95,
    from: ALICE,
    to: [`@piet@${SILENT}`],
    topic: "Rye for the bakery",
    body: "Dear Piet, could you mill another 40 kg for us, as coarse as the last time?",
  },
  {
    name: "minutes",
    ago: 3 * DAY + 3 * HOUR,
    from: OFFICE,
    to: [ALICE, CHRIS, BOB, DORA, LAYLA],
    topic:
      "Minutes of the members' meeting, with all that was decided about the barn roof and the new fence",
    body: "The minutes are attached. Corrections until the end of the month, please.",
    attach: [
      {
        filename:
          "minutes-of-the-members-meeting-in-november-with-the-decisions-about-the-roof.pdf",
        body: pdf("Minutes", ["1. The roof", "2. The fence", "3. Any other business"]),
      },
    ],
  },
];

/** Threads of one message, so that lists are as long as lists are. */
function fillers(): Letter[] {
  return FILLERS.map(([from, topic, body], index): Letter => ({
    name: `filler-${index}`,
    ago: 10 * DAY + index * 17 * HOUR,
    from,
    to: from === ALICE ? [CHRIS] : [ALICE],
    topic,
    body,
  }));
}

const FILLERS: readonly (readonly [from: string, topic: string, body: string])[] = [
  [CHRIS, "Key to the tool shed", "It hangs behind the door again. Sorry that it took so long."],
  [OFFICE, "Members' meeting on the 26th", "At seven in the barn. The agenda follows on Monday."],
  [CHRIS, "Your blue jacket", "You left it in my car. I bring it on Saturday."],
  [
    ALICE,
    "Bees",
    "Would you take the second hive for the winter? Mine stand too close to the path.",
  ],
  [OFFICE, "Invoice 2026-114", "For 60 kg of seed potatoes. Payable within 30 days."],
  [CHRIS, "Chess on Thursday?", "I have a new opening, and you will not like it."],
  [CHRIS, "Photos of the lambing", "Four of them, all well. The black one is the loudest."],
  [OFFICE, "New opening hours of the shop", "From November: Tuesday to Saturday, 9 to 17."],
  [
    ALICE,
    "Dentist",
    "Could you fetch Emil from school on the 4th? I am at the dentist until four.",
  ],
  [
    CHRIS,
    "Leak in the greenhouse",
    "The third pane on the north side. I have put a bucket there for now.",
  ],
  [
    CHRIS,
    "The neighbour's dog",
    "He was in the hen house again. I spoke with her, and she mends the fence.",
  ],
  [OFFICE, "Shares of the new press", "Each member pays 120 this year and 80 the next."],
  [
    CHRIS,
    "Recipe for quince jelly",
    "Equal parts of juice and sugar, and the juice of one lemon for each litre.",
  ],
  [CHRIS, "Firewood", "Two steres of beech are at the wall. Cover them before it rains."],
  [ALICE, "Choir on Monday", "We sing at eight instead of seven, and in the small hall."],
  [
    OFFICE,
    "Election of the board",
    "Three seats are free. Say so by the end of the month if you would stand.",
  ],
  [CHRIS, "Map of the drains", "I found it in the attic, from 1962. It explains a lot."],
  [CHRIS, "Thank you", "For yesterday. We have not laughed like that in a long time."],
  [
    OFFICE,
    "Survey: one market more?",
    "Would you sell at the Wednesday market too? Answer with yes or no.",
  ],
  [CHRIS, "Spare wheel", "It fits. I owe you one."],
  [CHRIS, "Concert in the church", "On the 17th, Bach and something new. Shall I get tickets?"],
  [
    OFFICE,
    "Lost: a red bicycle",
    "Last seen at the shop on Friday. Ring the office if you know more.",
  ],
  [CHRIS, "Potatoes", "Six sacks for you, in the cellar on the right."],
  [ALICE, "Wallpaper", "The pattern with the leaves, then. I order eight rolls."],
  [CHRIS, "Sledge", "The runners are waxed, and the hill waits for snow."],
  [OFFICE, "Welcome", "Your mailbox at the co-op is ready. Ask when something is not clear."],
];
