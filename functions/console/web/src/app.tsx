import {
  AppShell,
  Burger,
  Group,
  NavLink,
  Text,
  useMantineColorScheme,
  UnstyledButton,
} from '@mantine/core';
import { useDisclosure } from '@mantine/hooks';
import { lazy, Suspense, useEffect, useRef, useState, type ComponentType } from 'react';
import { Link, Route, Switch, useLocation } from 'wouter';

import { useMe } from './api/queries';
import { Conversions } from './conversions/list';
import { Boundary } from './ui/boundary';
import { Keys, useShortcuts } from './ui/keys';
import { Empty, Waiting } from './ui/parts';

/** A screen that is fetched when it is first opened, so that the list comes sooner. */
function later<Name extends string>(load: () => Promise<Record<Name, ComponentType>>, name: Name) {
  return lazy(async () => ({ default: (await load())[name] }));
}

const Conversion = later(() => import('./conversion/page'), 'Conversion');
const New = later(() => import('./editor/new'), 'New');
const NewConversion = later(() => import('./editor/editor'), 'NewConversion');
const EditConversion = later(() => import('./editor/editor'), 'EditConversion');
const Destinations = later(() => import('./destinations/list'), 'Destinations');
const NewDestination = later(() => import('./destinations/form'), 'NewDestination');
const EditDestination = later(() => import('./destinations/form'), 'EditDestination');
const OneDestination = later(() => import('./destinations/one'), 'OneDestination');
const Runs = later(() => import('./runs/list'), 'Runs');
const OneRun = later(() => import('./runs/one'), 'OneRun');
const Scoring = later(() => import('./scoring/page'), 'Scoring');
const ReportPage = later(() => import('./report/page'), 'ReportPage');
const SettingsPage = later(() => import('./settings/page'), 'SettingsPage');

const SCREENS = [
  { path: '/', label: 'Conversions', also: /^\/(conversions|new)/ },
  { path: '/report', label: 'Report', also: /^\/report/ },
  { path: '/runs', label: 'Runs and incidents', also: /^\/runs/ },
  { path: '/destinations', label: 'Destinations', also: /^\/destinations/ },
  { path: '/scoring', label: 'Lead scoring', also: /^\/scoring/ },
  { path: '/settings', label: 'Settings', also: /^\/settings/ },
];

export function App() {
  const [open, menu] = useDisclosure();
  const [location] = useLocation();
  const [keys, setKeys] = useState(false);
  useFocus(location);
  useShortcuts({ '?': () => setKeys(true) });
  return (
    <AppShell
      header={{ height: 52 }}
      navbar={{ width: 196, breakpoint: 'sm', collapsed: { mobile: !open } }}
      padding="md"
    >
      <a className="skip" href="#main">
        Skip to the content
      </a>
      <AppShell.Header>
        <Group h="100%" px="md" gap="sm" wrap="nowrap">
          <Burger
            opened={open}
            onClick={menu.toggle}
            hiddenFrom="sm"
            size="sm"
            aria-label={open ? 'Close the menu' : 'Open the menu'}
          />
          <Link href="/" className="row-link">
            Conversions
          </Link>
          <Group ml="auto" gap="md" wrap="nowrap">
            <Person />
            <Scheme />
          </Group>
        </Group>
      </AppShell.Header>
      <AppShell.Navbar p="xs" aria-label="Screens" data-closed={!open || undefined}>
        {SCREENS.map(({ path, label, also }) => (
          <NavLink
            key={path}
            component={Link}
            href={path}
            label={label}
            active={location === path || also.test(location)}
            aria-current={location === path || also.test(location) ? 'page' : undefined}
            onClick={menu.close}
          />
        ))}
        <UnstyledButton mt="auto" p="xs" onClick={() => setKeys(true)} className="wide-only">
          <Text size="xs" c="dimmed">
            Keys: press ?
          </Text>
        </UnstyledButton>
      </AppShell.Navbar>
      <AppShell.Main id="main" tabIndex={-1}>
        <Boundary at={location}>
          <Suspense fallback={<Waiting label="Loading" />}>
            <Switch>
              <Route path="/" component={Conversions} />
              <Route path="/new" component={New} />
              <Route path="/new/:type" component={NewConversion} />
              <Route path="/conversions/:id/edit" component={EditConversion} />
              <Route path="/conversions/:id/:tab?" component={Conversion} />
              <Route path="/report" component={ReportPage} />
              <Route path="/runs" component={Runs} />
              <Route path="/runs/all/:tab" component={Runs} />
              <Route path="/runs/:id" component={OneRun} />
              <Route path="/destinations" component={Destinations} />
              <Route path="/destinations/new/:kind" component={NewDestination} />
              <Route path="/destinations/:id/edit" component={EditDestination} />
              <Route path="/destinations/:id/:tab?" component={OneDestination} />
              <Route path="/scoring/:id?" component={Scoring} />
              <Route path="/settings" component={SettingsPage} />
              <Route>
                <Empty title="There is no such page" action={<Link href="/">To the conversions</Link>}>
                  The address names nothing that is here.
                </Empty>
              </Route>
            </Switch>
          </Suspense>
        </Boundary>
      </AppShell.Main>
      <Keys opened={keys} close={() => setKeys(false)} />
    </AppShell>
  );
}

/** A new screen is read, and gone through, from its beginning: what had the focus before is gone. */
function useFocus(location: string): void {
  const first = useRef(true);
  useEffect(() => {
    if (first.current) first.current = false;
    else if (document.activeElement === document.body) document.getElementById('main')?.focus({ preventScroll: true });
  }, [location]);
}

function Person() {
  const me = useMe();
  if (!me.data) return null;
  return (
    <Text size="sm" c="dimmed" className="clip wide-only" maw={280} title={me.data.role}>
      {me.data.email}
    </Text>
  );
}

function Scheme() {
  const { colorScheme, setColorScheme } = useMantineColorScheme();
  const next = { auto: 'light', light: 'dark', dark: 'auto' } as const;
  return (
    <UnstyledButton onClick={() => setColorScheme(next[colorScheme])} px="xs" py={4}>
      <Text size="sm" c="dimmed">
        {{ auto: 'Auto', light: 'Light', dark: 'Dark' }[colorScheme]}
      </Text>
    </UnstyledButton>
  );
}
