// Whose this browser is: what it keeps belongs to one address, and all its tabs are to know when that is another.

const OWNER = "fmsg-owner";

/** null: nobody has signed in, or signed out by choice. Also where the browser keeps nothing. */
export function owner(): string | null {
  try {
    return localStorage.getItem(OWNER);
  } catch {
    return null;
  }
}

/** The other tabs hear of it. */
export function setOwner(address: string | null): void {
  try {
    if (address === null) localStorage.removeItem(OWNER);
    else localStorage.setItem(OWNER, address);
  } catch {
    // Full, or switched off: then there are no drafts to be kept apart either.
  }
}

/** Another tab signed in as somebody else, or (null) out. */
export function onOtherOwner(told: (address: string | null) => void): void {
  addEventListener("storage", (event) => {
    if (event instanceof StorageEvent && event.key === OWNER) told(event.newValue);
  });
}
