// Whether something was really before somebody's eyes: on a page that is shown, in view, and for a moment.

import type { RefObject } from "preact";
import { useEffect } from "preact/hooks";

/** Milliseconds: what is scrolled past is not read. */
const MOMENT = 700;
/** So many pixels of something large are enough. */
const ENOUGH = 120;

/** Calls `then` once when `ref` was seen while `ready`. */
export function useSeen(
  ref: RefObject<Element | null>,
  ready: boolean,
  then: () => void,
): void {
  useEffect(() => {
    const element = ref.current;
    if (!ready || element === null) return;
    let inView = false;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const check = (): void => {
      clearTimeout(timer);
      if (inView && document.visibilityState === "visible") timer = setTimeout(done, MOMENT);
    };
    const observer = new IntersectionObserver((records) => {
      const record = records.at(-1);
      if (record === undefined) return;
      const { isIntersecting, intersectionRatio, intersectionRect, rootBounds } = record;
      const enough = Math.min(ENOUGH, (rootBounds?.height ?? ENOUGH * 2) / 2);
      inView = isIntersecting && (intersectionRatio >= 0.5 || intersectionRect.height >= enough);
      check();
    }, { threshold: [0, 0.02, 0.05, 0.1, 0.25, 0.5, 0.75, 1] });
    const end = (): void => {
      clearTimeout(timer);
      observer.disconnect();
      document.removeEventListener("visibilitychange", check);
    };
    const done = (): void => {
      end();
      then();
    };
    observer.observe(element);
    document.addEventListener("visibilitychange", check);
    return end;
  }, [ready]);
}

/** Calls `then` once when `ref` comes near the view. */
export function useNear(ref: RefObject<Element | null>, then: () => void): void {
  useEffect(() => {
    const element = ref.current;
    if (element === null) return;
    const observer = new IntersectionObserver((records) => {
      if (!records.some(({ isIntersecting }) => isIntersecting)) return;
      observer.disconnect();
      then();
    }, { rootMargin: "300px" });
    observer.observe(element);
    return () => observer.disconnect();
  }, []);
}
