import { type Connection, Live } from './live.ts';
import { SwarmView } from './swarm-view.ts';
import { SwarmsView } from './swarms-view.ts';
import type { View } from './view.ts';

const STATES: Readonly<Record<Connection, string>> = {
  connecting: 'connecting',
  live: 'live',
  lost: 'not connected, trying again',
};

const main = document.querySelector('main')!;
const connection = document.querySelector<HTMLElement>('#connection')!;
let view: View | undefined;
let live: Live | undefined;

function viewOf(hash: string): View {
  const [, name] = /^#\/swarms\/(.+)$/.exec(hash) ?? [];
  return name === undefined ? new SwarmsView() : new SwarmView(decoded(name));
}

function decoded(name: string): string {
  try {
    return decodeURIComponent(name);
  } catch {
    return name;
  }
}

function say(state: Connection): void {
  if (connection.dataset.state === state) return;
  connection.dataset.state = state;
  connection.textContent = STATES[state];
  main.classList.toggle('old', state === 'lost');
}

function open(): void {
  const isFirst = view === undefined;
  live?.close();
  view?.close();
  const next = viewOf(location.hash);
  view = next;
  main.replaceChildren(next.root);
  document.title = next.title;
  if (!isFirst) {
    scrollTo(0, 0);
    // Whoever reads by ear hears what has opened.
    next.root.querySelector('h1')?.focus();
  }
  live = new Live(next.url, [next.event], {
    onMessage: (_, message) => next.show(message),
    onConnection: say,
  });
}

// The hash says what is shown: it is not to say where within the page somebody is.
document.querySelector('.skip')!.addEventListener('click', (event) => {
  event.preventDefault();
  main.focus();
});
addEventListener('hashchange', open);
open();
