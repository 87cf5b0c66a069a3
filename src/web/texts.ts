// Every word of the page. A second language is one more object of the same type.

/** How a number of things is called in English. */
function counted(n: number, one: string, many: string): string {
  return `${n.toLocaleString(LANGUAGE)} ${n === 1 ? one : many}`;
}

/** Of the texts; numbers, sizes and times follow it too. */
export const LANGUAGE = "en";

export const texts = {
  product: "fmsg",

  page: {
    skip: "Skip to the messages",
    navigation: "Mailbox",
    close: "Close",
    back: "Back",
    tryAgain: "Try again",
    partFailed:
      "This part of the page could not be loaded. There may be a new version of the page.",
    partOffline: "This part of the page cannot be loaded while you are offline.",
    conversation: "Conversation",
    nothingOpen: "No conversation is open",
    nothingOpenHint: "Choose one from the list, or write a message.",
    shortcuts: "Keyboard shortcuts",
    newVersion: "A new version of this page is ready.",
    reload: "Load it",
    write: "Write",
    offline: "Offline",
    unreadThreads: (n: number) => counted(n, "unread conversation", "unread conversations"),
    title: (unread: number, place: string) => `${unread > 0 ? `(${unread}) ` : ""}${place} – fmsg`,
  },

  shortcuts: {
    title: "Keyboard shortcuts",
    then: "then",
    or: "or",
    on: "Use single-key shortcuts",
    onHint: "Turn this off if you control your computer by voice, or often press keys by accident.",
    inbox: "Go to the inbox",
    sent: "Go to sent messages",
    drafts: "Go to drafts",
    settings: "Go to settings",
    search: "Search",
    write: "Write a message",
    back: "Close what is open",
    help: "Show this list",
    /** Keys with a name of their own. */
    names: { Escape: "Esc", ArrowDown: "↓", ArrowUp: "↑" } as Readonly<Record<string, string>>,
  },

  lists: {
    inbox: "Inbox",
    sent: "Sent",
    drafts: "Drafts",
    search: "Search",
    settings: "Settings",
    write: "Write a message",
    more: "Show more",
    loading: "Loading…",
    emptyInbox: "Nothing here yet",
    emptyInboxHint: "What is sent to you appears here as soon as it arrives.",
    emptySent: "You have not sent anything yet",
    emptySentHint: "What you send appears here, and whether it has arrived.",
    emptyDrafts: "No drafts",
    emptyDraftsHint: "What you start to write is kept here until you send it.",
    draftsFurther: "There are no drafts among the latest messages. There may be older ones.",
    emptySearch: "Nothing found",
    emptySearchHint: "Only whole words are found. Try another form of the word, or fewer words.",
    searchFor: "Search messages",
    searching: "Searching…",
    searchFailed: "The search did not work. Change a word to try again.",
    results: "Messages found",
    found: (n: number, whole: boolean) =>
      whole ? `${counted(n, "message", "messages")} found` : `More than ${n - 1} messages found`,
    searchHelp: "Finds messages with all of these words, in file names and addresses too.",
    operators: [
      ["boat engine", "both words, anywhere"],
      ['"boat engine"', "the words side by side"],
      ["-invoice", "without this word"],
      ["from:bob", "who sent it"],
      ["to:carol", "who received it"],
      ["topic:harvest", "in the topic"],
      ["file:plan.pdf", "with this file"],
    ],
    arrived: (n: number) => `${n} new`,
    mine: "me:",
    nobody: "(no recipient yet)",
    answer: "(answer)",
    attachments: "Has files",
    onlyHere: "Only in this browser",
    discard: (topic: string) => `Discard the draft ${topic}`,
    keep: "Keep it",
    keys: { next: "Next in the list", previous: "Previous in the list" },
    noTopic: "(no topic)",
    unknownTopic: "(answer to an earlier message)",
    noText: "(no text)",
    draft: "Draft",
    important: "Important",
    unread: (n: number) => counted(n, "unread message", "unread messages"),
    messages: (n: number) => counted(n, "message", "messages"),
    drafts_: (n: number) => counted(n, "draft", "drafts"),
    failed: (n: number) =>
      n === 1 ? "One message was not delivered" : `${n} messages were not delivered`,
    others: (n: number) => `and ${counted(n, "other", "others")}`,
    me: "me",
  },

  conversation: {
    label: (topic: string) => `Conversation: ${topic}`,
    people: "People in this conversation",
    messages: "Messages",
    /** In the middle of a long thread. */
    earlier: (n: number) => counted(n, "earlier message", "earlier messages"),
    unread: (n: number, unread: number) =>
      `${counted(n, "message", "messages")}, ${unread.toLocaleString(LANGUAGE)} unread`,
    unfold: (n: number) => `Show ${n.toLocaleString(LANGUAGE)}`,
    newAnswers: (n: number) => counted(n, "new answer", "new answers"),
    loading: "Opening the conversation…",
    gone: "This conversation is not here",
    goneHint: "It does not exist, or it was not sent to you.",
    offline: "This conversation is not kept for offline reading",
    offlineHint: "Only what you have opened before can be read while you are offline.",
    failed: "The conversation could not be opened",
    onlyDrafts: "Nothing has been sent in this conversation yet.",
    reply: "Reply to the sender",
    replyAll: "Reply to all",
    addPeople: "Add people to the message",
  },

  message: {
    /** `whom` and `when` may be more than text: what is given comes back in its place. */
    to: <Part>(whom: Part): (Part | string)[] => ["to ", whom],
    andOthers: (n: number) => `and ${counted(n, "other", "others")}`,
    and: "and",
    added: <Part>(by: Part, whom: Part, when: Part): (Part | string)[] => [
      by,
      " added ",
      whom,
      ", ",
      when,
    ],
    label: (whom: string, when: string) => `Message from ${whom}, ${when}`,
    sentTo: "Sent to",
    participants: "Who is on this message",
    showAll: (n: number) => `Show all ${n.toLocaleString(LANGUAGE)}`,
    unread: "Unread",
    important: "Important",
    answers: <Part>(whom: Part): (Part | string)[] => ["Answers ", whom],
    answersHidden: "Answers a message that you do not have",
    answersHiddenHint: "It was sent before you were added to the conversation.",
    answered: (n: number) => counted(n, "answer", "answers"),
    noReply: "The sender does not read answers to this message.",
    noReplyOwn: "You said that you do not read answers to this message.",
    fold: "Fold this message",
    reply: "Reply",
    replyAll: "Reply all",
    addPeople: "Add people",
    details: "Details",
    rest: (size: string) => `Show the rest (${size} in all)`,
    restIsLong: "This message is very long. The beginning is shown.",
    notText: (type: string) => `This message is not text, but ${type}.`,
    html: "This message is a web page (HTML). It is shown as plain text, to be safe.",
    download: "Download",
    downloadBody: "Download the message",
    empty: "This message has no text.",
    loading: "Opening…",
    offline:
      "You have not opened this message before, so it cannot be shown while you are offline.",
    failed: "This message could not be loaded.",
    linkGoesTo: (host: string) => `goes to ${host}`,
    attachments: (n: number) => counted(n, "file", "files"),
    viewImage: (name: string) => `Show ${name} larger`,
    imageNot: "No preview",
  },

  details: {
    title: "Details of the message",
    explain:
      "The header is exactly what one host sent to another. The hash (SHA-256) is the fingerprint of header and content: answers refer to the message by it, and every host can check that nothing was changed.",
    explainBatch:
      "Adding people makes a header of its own, which refers to the message by its hash.",
    message: "The message",
    batch: (n: number) => `Added people, ${n.toLocaleString(LANGUAGE)}`,
    hash: "Hash",
    headerHash: "Hash of the header alone",
    header: (bytes: string) => `Header (${bytes})`,
    sent: "Sent",
    from: "From",
    type: "Type",
    size: "Size",
    hex: "Hex",
    base64: "Base64",
    form: "Show the header as",
    copy: "Copy",
    copied: "Copied",
    copyFailed: "The browser does not allow copying here.",
    download: "Download the header",
  },

  /** What became of a message at one recipient; `time` is a time in words, `reason` the host's own words. */
  delivery: {
    delivered: (time: string | null) => time === null ? "Delivered" : `Delivered ${time}`,
    elsewhere: "Delivered by another host: this one does not hear how it went",
    sending: "Being sent",
    draft: "Not sent yet",
    waiting: "Waiting to be sent",
    waitingForParent: "Waits until the message it answers has arrived there",
    again: (what: string, time: string | null) =>
      time === null ? `${what}, trying again` : `${what}, trying again ${time}`,
    unreachable: "Their host cannot be reached",
    gaveUp: "Could not be delivered",
    unknownCode: (code: number) => `Refused with code ${code}`,
    codes: {
      1: "Their host says the message is not valid",
      2: "Their host does not know this version of fmsg",
      3: "Refused, without a reason",
      4: "Too big for their host",
      5: "No room on their host",
      6: "Their host does not have the message this one answers",
      7: "Too old for their host",
      8: "Dated in the future: a host’s clock is wrong",
      9: "Dated before the message it answers: a host’s clock is wrong",
      10: "It was there already",
      11: "Their host knows of the added people",
      64: "Being sent",
      65: "Being sent",
      100: "No such user",
      101: "Mailbox full",
      102: "Takes no messages at the moment",
      103: "It was there already",
      105: "Refused, without a reason",
      200: "Delivered",
    },
    code: (code: number) => `code ${code}`,
    title: "Delivery",
    others: (n: number) =>
      n === 1 ? "The other recipient" : `The other ${counted(n, "recipient", "recipients")}`,
    /** What can be done, by the code; the others have nothing to be done by hand. */
    todo: {
      1: "Tell whoever runs your host about it.",
      2: "Tell whoever runs your host about it.",
      4: "Send it with fewer or smaller files.",
      5: "Try again later, or tell them another way.",
      6: "Add them to the message you answered, then send this again. Or write to them in a new conversation.",
      7: "Send it again as a new message.",
      8: "Tell whoever runs your host to check its clock.",
      9: "Tell whoever runs your host to check its clock.",
      100: "Check the address.",
      101: "Try again later, or tell them another way.",
      102: "Try again later, or tell them another way.",
    },
    todoUnreachable: "Check the part of the address after the second @, or send it again later.",
    summary: {
      delivered: "Delivered to everyone",
      deliveredAdded: "Delivered to everyone you added",
      someWait: (n: number) => `Waiting for ${counted(n, "recipient", "recipients")}`,
      someFailed: (n: number) => `Not delivered to ${counted(n, "recipient", "recipients")}`,
    },
  },

  writing: {
    title: "New message",
    answerTo: (whom: string) => `Answer to ${whom}`,
    to: "To",
    toHint: "@user@example.com",
    topic: "Topic",
    text: "Text",
    textHint: "Write your message",
    markdown: "Markdown",
    plain: "Plain text",
    preview: "Preview",
    important: "Important",
    noReply: "I do not read answers",
    attach: "Attach files",
    drop: "Drop files here to attach them",
    send: "Send",
    discard: "Discard",
    discardTitle: "Discard this draft?",
    discardSure: "It cannot be brought back.",
    remove: (name: string) => `Remove ${name}`,
    cancel: "Cancel",
    tryAgain: "Try again",
    limit: (size: string) => `Up to ${size} for the whole message`,
    tooBig: (size: string, limit: string) =>
      `${size} is too large: a message holds up to ${limit}.`,
    tooLarge: (name: string, limit: string) =>
      `${name} is too large: a message holds up to ${limit} with all files.`,
    renamed: (from: string, to: string) =>
      `${from} is attached as ${to}: some characters are not allowed in file names.`,
    uploading: (name: string, percent: number) => `Uploading ${name}, ${percent} %`,
    needsRecipient: "Files are uploaded once you have added a recipient.",
    states: {
      empty: "",
      local: "Kept in this browser. Add a recipient to save it to your drafts.",
      changed: "Not saved yet",
      saving: "Saving…",
      saved: "Saved to your drafts",
      offline: "Offline: kept in this browser until you are back online",
      refused: (reason: string) => `Not saved, kept in this browser: ${reason}`,
      sending: "Sending…",
      sent: "Sent",
    },
    recipients: (label: string) => `${label}: recipients`,
    people: "People you know",
    edit: (address: string) => `Edit ${address}`,
    chipKeys: "Enter to edit, Delete to remove, the left and right arrows to go to the others.",
    removed: (address: string) => `${address} was removed`,
    topicLeft: (bytes: number) =>
      `${counted(Math.abs(bytes), "byte", "bytes")} ${bytes < 0 ? "too long" : "left"}`,
    sendKeys: "Send (Ctrl or ⌘ and Enter)",
    options: "Options of this message",
    cancelFile: (name: string) => `Cancel uploading ${name}`,
    percent: (percent: number, size: string) => `${percent} % of ${size}`,
    uploadFailed: "Could not be uploaded",
    closeBox: "Close, and keep the draft",
    goOn: "Draft",
    openFailed: {
      gone: "This draft is no longer here",
      offline: "This draft cannot be opened while you are offline",
      failed: "The draft could not be opened",
    },
    /** What has to be done before it can be sent. */
    missing: {
      recipient: "Add at least one recipient",
      "recipients wrong": "Correct or remove the addresses marked as wrong",
      "too many": "A message can have 255 recipients at most",
      topic: "Make the topic shorter",
      size: "The text and its files are too large for one message. Remove a file.",
      text: "Write something, or attach a file",
    },
    notSent: (reason: string) => `Not sent: ${reason}`,
    notSentOffline: "Not sent: you are offline. The draft is kept.",
    /** What is written here and the host's copy became two things. */
    apart: {
      changed:
        "This draft was changed elsewhere in the meantime. What you wrote here is a draft of its own now.",
      unknown:
        "The draft on the host is not the same as the one kept in this browser. Both are kept: what is shown here is a draft of its own now.",
      sent:
        "This draft was sent in the meantime, without your last changes. What you wrote here is a draft of its own now.",
      deleted:
        "This draft was discarded elsewhere in the meantime. What you wrote here is a new draft now. If it had files, check that all are there.",
    },
    sentBefore: "This had been sent already. Only what you changed since then is discarded.",
    changedBefore:
      "This draft was changed elsewhere in the meantime. Only this browser's copy is discarded; the other stays in your drafts.",
    moreFiles: "The draft has more files, which are shown now. Look at them, then send it.",
    fileGone: (name: string) => `${name} is not in this draft any more: attach it again`,
  },

  address: {
    empty: "Write an address like @user@example.com",
    shape: "An address looks like @user@example.com",
    name: "The name can have letters and digits, with single “-”, “_” or “.” between them",
    domain: "The part after the second @ is not a valid domain name",
    long: "The address is too long",
    twice: "This address is already there",
    tooMany: "A message can have 255 recipients at most",
    unknown: "There is no such user on this host",
    noHost: (domain: string) => `No fmsg host was found for ${domain}`,
    notSure: (domain: string) => `Could not check now whether ${domain} has an fmsg host`,
    fine: "This address looks right",
  },

  adding: {
    title: "Add people",
    who: "Who",
    see: (files: number) =>
      files === 0
        ? "They get this message, and see who is on it."
        : `They get this message with its ${
          counted(files, "file", "files")
        }, and see who is on it.`,
    notThread: "They do not get the other messages of this conversation.",
    everybody: "Everyone on it sees that they were added, and by whom.",
    nobody: "Add at least one address",
    wrong: "Correct or remove the addresses marked as wrong",
    add: "Add",
    adding: "Adding…",
    cancel: "Cancel",
    done: "Done",
    added: (n: number) => `${counted(n, "person was", "people were")} added`,
    follow: "You can close this. The message shows how it goes on.",
    already: "Already on this message",
    notAllowed: "Only the sender and the first recipients of this message can add people.",
  },

  recovery: {
    addAndSend: "Add them to that message, then send again",
    send: (n: number) => n === 1 ? "Send again to them" : `Send again to these ${n}`,
    rightAddress: "Write to the right address",
    smaller: "Write a smaller message",
    newThread: "Start a new conversation with them",
    forAll: <Part>(whom: Part): (Part | string)[] => ["For ", whom, ":"],
    progress: "Sending again",
    percent: (percent: number) => `${percent} %`,
    steps: {
      add: {
        doing: "Add them to the message that was answered",
        done: "Added to the message that was answered",
      },
      arrive: { doing: "Wait until it is there", done: "It is there" },
      copy: { doing: "Copy the message and its files", done: "Message and files copied" },
      send: { doing: "Send it again", done: "Sent again" },
    },
    states: { "to do": "to do", doing: "under way", done: "done", failed: "failed" },
    arrivesLater: "Not there yet: your host sends the answer as soon as it is.",
    notArrived:
      "That message could not be delivered to them either; it shows why. You can start a new conversation.",
    tooBig: (size: string, limit: string) =>
      `${size} is too large: this host takes up to ${limit} now.`,
    stopped: "Sending again did not work. The message shows why.",
    tryAgain: "Try again",
    cancel: "Cancel",
    sentAgain: <Part>(when: Part): (Part | string)[] => ["Sent again ", when],
    strangers: {
      refused: <Part>(whom: Part, n: number): (Part | string)[] => [
        whom,
        n === 1
          ? " was not on the message you are answering. Their host does not have it, and would refuse your answer."
          : " were not on the message you are answering. Their hosts do not have it, and would refuse your answer.",
      ],
      cannotAdd: "You cannot add them to that message now.",
      add: (n: number) => n === 1 ? "Add them to that message" : `Add these ${n} to that message`,
      newThread: "Start a new conversation",
    },
  },

  signIn: {
    title: "Sign in",
    how: "Open the sign-in link you were given. It works once, in one browser.",
    runs: "Whoever runs this host makes one with",
    command: "fmsg user link",
    working: "Signing in…",
    used: "This link no longer works: it has been used, or is too old. Ask for a new one.",
    ended: "You are signed out.",
    tooOften: "Too many tries. Wait a minute, then open the link again.",
    ask: "Sign in with this link?",
    askedIn: <Part>(whom: Part): (Part | string)[] => ["You are signed in here as ", whom, "."],
    askedOut: <Part>(whom: Part): (Part | string)[] => [
      "This browser keeps drafts of ",
      whom,
      " that are not saved yet.",
    ],
    askedOther:
      "If the link was made for somebody else, this browser becomes theirs: drafts that are not saved yet are deleted, and they can read what you write. Go on only if you asked for this link.",
    byLink: "Sign in with the link",
    stay: "Stay",
    notNow: "Not now",
  },

  settings: {
    title: "Settings",
    address: "Your address",
    browsers: "Where you are signed in",
    thisBrowser: "This browser",
    since: (time: string) => `since ${time}`,
    used: (time: string) => `last used ${time}`,
    end: "Sign out there",
    signOut: "Sign out",
    signOutKept:
      "This deletes what this browser keeps for offline reading, and drafts that are not saved yet.",
    notifications: "Notifications",
    notificationsOn: "Tell me about new messages on this device",
    notificationsDenied: "Notifications are blocked for this page in the browser’s settings.",
    notificationsNone: "This browser cannot show notifications from this page.",
    notificationsHint: "Also while this page is closed.",
    notificationsFailed: "This browser could not turn notifications on or off. Try again later.",
    browserOn: (browser: string | null, system: string | null) =>
      browser === null || system === null
        ? browser ?? system ?? "A browser or program"
        : `${browser} on ${system}`,
    endThere: (browser: string) => `Sign out there: ${browser}`,
    ended: (browser: string) => `${browser} is signed out.`,
    limits: "Limits of this host",
    maxSize: "Largest message, with its files",
    maxExpanded: "Largest message, unpacked",
    uploads: "Files uploaded at once",
  },

  connection: {
    live: "Connected",
    connecting: "Connecting…",
    offline: "Offline. You can read what you opened before.",
  },

  notices: {
    offline: "The host cannot be reached. Try again in a moment.",
    /** `status` is of HTTP; nothing else came. */
    refused: (status: number) => `The host answered ${status}. Try again in a moment.`,
    open: "Open",
    newMessage: (from: string) => `New message from ${from}`,
    gone: "This message does not exist, or was not sent to you.",
    close: "Close",
    unexpected: "Something went wrong on this page. Reload it.",
    tooFast: (seconds: number) =>
      `Too many requests. Try again in ${counted(seconds, "second", "seconds")}.`,
  },

  time: {
    /** `clock` is a time of day, `date` a date. */
    at: (clock: string) => `at ${clock}`,
    on: (date: string) => date,
    yesterday: (clock: string) => `yesterday ${clock}`,
    soon: "soon",
  },
} as const;

export type Texts = typeof texts;
