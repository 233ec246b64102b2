/**
 * The shape of the database, as numbered steps that only go forward.
 *
 * A step that was published is never changed; a new shape is a new step at the end. The names in a step are frozen with it, which is why the
 * first one does not read the catalogue of kinds.
 *
 * @module
 */

/** Any number, as long as nobody else locks it: two processes that migrate wait for each other. */
const MIGRATION_LOCK = 4_217_260_321

/** What the database raises when a newer version was there before. */
export const SCHEMA_TOO_NEW_STATE = 'CW001'

/** Tables of the first step with their index columns. */
const FIRST_TABLES: Readonly<Record<string, readonly string[]>> = {
  calls: ['lead', 'party', 'campaign', 'agent', 'owner', 'conversation', 'stream', 'status', 'open'],
  attempts: ['counted', 'party', 'lead'],
  consent_grants: ['party'],
  consent_revocations: ['party'],
  do_not_call: ['standing', 'lists'],
  audit: [],
  leads: ['party', 'owner', 'flagged'],
  tenants: [],
  tenant_numbers: [],
  recordings: ['call', 'status'],
  transcripts: ['call'],
  campaigns: [],
  campaign_rows: ['campaign', 'state', 'party'],
  work: [],
  streams: [],
  parked_events: [],
  erasures: [],
}

const FIRST_QUEUES: ReadonlySet<string> = new Set(['campaign_rows', 'work'])

/** Texts are compared by code point, so that the order of pages does not hang on the database's locale. */
const TEXT = 'text COLLATE "C"'

function tableSql([name, indexes]: [string, readonly string[]]): string {
  const table = `callweave_${name}`
  const columns = [
    `tenant_id ${TEXT} NOT NULL`,
    `id ${TEXT} NOT NULL`,
    'at bigint NOT NULL',
    'version integer NOT NULL',
    'record jsonb NOT NULL',
    ...indexes.map((index) => `key_${index} ${TEXT}`),
    ...(FIRST_QUEUES.has(name) ? [`queue ${TEXT}`, 'due_at bigint', 'takes integer NOT NULL DEFAULT 0'] : []),
    'PRIMARY KEY (tenant_id, id)',
  ]
  const statements = [
    `CREATE TABLE ${table} (${columns.join(', ')})`,
    `CREATE INDEX ${table}_at ON ${table} (tenant_id, at, id)`,
    ...indexes.map(
      (index) =>
        `CREATE INDEX ${table}_${index} ON ${table} (tenant_id, key_${index}, at, id) WHERE key_${index} IS NOT NULL`,
    ),
  ]
  if (FIRST_QUEUES.has(name)) {
    statements.push(
      `CREATE INDEX ${table}_due ON ${table} (queue, due_at, at, id) WHERE queue IS NOT NULL`,
      `CREATE INDEX ${table}_tenant_due ON ${table} (tenant_id, queue, due_at, at, id) WHERE queue IS NOT NULL`,
    )
  }
  return statements.join(';\n')
}

const OUTBOX_AND_CELLS = `
CREATE TABLE callweave_outbox (
  tenant_id ${TEXT} NOT NULL, id ${TEXT} NOT NULL, key ${TEXT} NOT NULL, occurred_at bigint NOT NULL, record jsonb NOT NULL,
  version integer NOT NULL DEFAULT 1, takes integer NOT NULL DEFAULT 0, due_at bigint NOT NULL DEFAULT 0,
  PRIMARY KEY (tenant_id, id));
CREATE INDEX callweave_outbox_key ON callweave_outbox (tenant_id, key, id);
CREATE INDEX callweave_outbox_due ON callweave_outbox (due_at, occurred_at, id);
CREATE INDEX callweave_outbox_tenant_due ON callweave_outbox (tenant_id, due_at, occurred_at, id);
CREATE TABLE callweave_cells (
  kind ${TEXT} NOT NULL, tenant_id ${TEXT} NOT NULL, id ${TEXT} NOT NULL,
  holder ${TEXT} NOT NULL, fence bigint NOT NULL, until_at bigint NOT NULL, record jsonb,
  PRIMARY KEY (kind, tenant_id, id));
CREATE INDEX callweave_cells_until ON callweave_cells (until_at)`

/**
 * Counts and adds under a lock of the number, which goes with the transaction. Each statement of a function sees what was committed before it
 * started, so the count sees whoever held the lock before; with a stricter isolation it would see the past, and is refused.
 */
const ADD_CAPPED = `
CREATE FUNCTION callweave_add_attempt(
  p_tenant text, p_id text, p_at bigint, p_record jsonb, p_counted text, p_party text, p_lead text, p_max integer[], p_window bigint[]
) RETURNS jsonb LANGUAGE plpgsql AS $fn$
DECLARE
  held bigint; leaving bigint; room bigint := 0; full_caps integer[] := '{}';
BEGIN
  IF current_setting('transaction_isolation') <> 'read committed' THEN
    RAISE EXCEPTION 'callweave counts attempts under READ COMMITTED only';
  END IF;
  PERFORM pg_advisory_xact_lock(hashtextextended(p_tenant || E'\\n' || p_counted, ${MIGRATION_LOCK}));
  IF EXISTS (SELECT 1 FROM callweave_attempts WHERE tenant_id = p_tenant AND id = p_id) THEN
    RETURN jsonb_build_object('outcome', 'exists');
  END IF;
  FOR i IN 1 .. coalesce(array_length(p_max, 1), 0) LOOP
    SELECT count(*) INTO held FROM callweave_attempts
      WHERE tenant_id = p_tenant AND key_counted = p_counted AND at > p_at - p_window[i];
    IF held >= p_max[i] THEN
      full_caps := full_caps || (i - 1);
      SELECT at INTO leaving FROM callweave_attempts
        WHERE tenant_id = p_tenant AND key_counted = p_counted AND at > p_at - p_window[i]
        ORDER BY at, id OFFSET held - p_max[i] LIMIT 1;
      room := greatest(room, leaving + p_window[i]);
    END IF;
  END LOOP;
  IF array_length(full_caps, 1) > 0 THEN
    RETURN jsonb_build_object('outcome', 'refused', 'full', to_jsonb(full_caps), 'roomAt', room);
  END IF;
  INSERT INTO callweave_attempts (tenant_id, id, at, version, record, key_counted, key_party, key_lead)
    VALUES (p_tenant, p_id, p_at, 1, p_record, p_counted, p_party, p_lead) ON CONFLICT DO NOTHING;
  RETURN jsonb_build_object('outcome', CASE WHEN FOUND THEN 'added' ELSE 'exists' END);
END $fn$`

const SWAP_CELL = `
CREATE FUNCTION callweave_swap_cell(
  p_kind text, p_tenant text, p_id text, p_when text, p_holder text, p_put_holder text, p_put_record jsonb, p_ttl bigint, p_now bigint
) RETURNS jsonb LANGUAGE plpgsql AS $fn$
DECLARE
  c callweave_cells%ROWTYPE; was jsonb; moment bigint; fence_now bigint; until_now bigint; record_now jsonb; live boolean; fits boolean;
BEGIN
  LOOP
    SELECT * INTO c FROM callweave_cells WHERE kind = p_kind AND tenant_id = p_tenant AND id = p_id FOR UPDATE;
    moment := coalesce(p_now, floor(extract(epoch FROM clock_timestamp()) * 1000)::bigint);
    IF FOUND THEN
      live := c.until_at > moment;
      was := jsonb_build_object('holder', c.holder, 'fence', c.fence, 'untilAt', c.until_at, 'record', c.record, 'hasRunOut', NOT live);
      fits := CASE p_when
        WHEN 'any' THEN true
        WHEN 'free' THEN NOT live OR c.holder = p_holder
        WHEN 'held' THEN live AND c.holder = p_holder
        WHEN 'kept' THEN c.holder = p_holder
        ELSE live AND c.holder <> p_holder END;
      IF NOT fits THEN
        RETURN jsonb_build_object('isSwapped', false, 'before', was, 'after', was);
      END IF;
      fence_now := CASE WHEN live THEN c.fence ELSE greatest(c.fence + 1, moment) END;
      until_now := CASE WHEN p_ttl IS NULL THEN c.until_at ELSE moment + p_ttl END;
      record_now := coalesce(p_put_record, c.record);
      UPDATE callweave_cells SET holder = p_put_holder, fence = fence_now, until_at = until_now, record = record_now
        WHERE kind = p_kind AND tenant_id = p_tenant AND id = p_id;
    ELSE
      IF p_when NOT IN ('any', 'free') THEN
        RETURN jsonb_build_object('isSwapped', false, 'before', NULL, 'after', NULL);
      END IF;
      fence_now := greatest(1, moment);
      until_now := moment + coalesce(p_ttl, 0);
      record_now := p_put_record;
      INSERT INTO callweave_cells (kind, tenant_id, id, holder, fence, until_at, record)
        VALUES (p_kind, p_tenant, p_id, p_put_holder, fence_now, until_now, record_now) ON CONFLICT DO NOTHING;
      CONTINUE WHEN NOT FOUND; -- somebody was faster: look again
    END IF;
    RETURN jsonb_build_object('isSwapped', true, 'before', was, 'after',
      jsonb_build_object('holder', p_put_holder, 'fence', fence_now, 'untilAt', until_now, 'record', record_now));
  END LOOP;
END $fn$`

/** Under what a campaign counts its calls that a person answered. */
const ANSWERED_CALLS = ['answered', 'abandoned']
  .map(
    (index) => `ALTER TABLE callweave_calls ADD COLUMN key_${index} ${TEXT};
CREATE INDEX callweave_calls_${index} ON callweave_calls (tenant_id, key_${index}, at, id) WHERE key_${index} IS NOT NULL`,
  )
  .join(';\n')

/**
 * Under what the events of one person are found: links of the audit log that told of a refusal, by lead, and parked events by the record that they
 * tell of, which of a copy or of one that was put back is the one inside.
 */
const EVENTS_OF_A_PERSON = `
ALTER TABLE callweave_audit ADD COLUMN key_lead ${TEXT};
CREATE INDEX callweave_audit_lead ON callweave_audit (tenant_id, key_lead, at, id) WHERE key_lead IS NOT NULL;
ALTER TABLE callweave_parked_events ADD COLUMN key_about ${TEXT};
UPDATE callweave_parked_events SET key_about =
  CASE WHEN record->>'key' LIKE 'streams:callweave-sink/%' THEN record->'data'->>'key' ELSE record->>'key' END;
CREATE INDEX callweave_parked_events_about ON callweave_parked_events (tenant_id, key_about, at, id) WHERE key_about IS NOT NULL`

/** Every step, the first one first. */
const MIGRATIONS: readonly string[] = [
  [...Object.entries(FIRST_TABLES).map(tableSql), OUTBOX_AND_CELLS, ADD_CAPPED, SWAP_CELL].join(';\n'),
  ANSWERED_CALLS,
  EVENTS_OF_A_PERSON,
]

/** The version that this package knows. */
export const SCHEMA_VERSION = MIGRATIONS.length

/** One statement that brings any older database up to date, whole or not at all. */
export function migrationSql(): string {
  const steps = MIGRATIONS.map(
    (sql, i) => `IF known < ${i + 1} THEN\n${sql};\nINSERT INTO callweave_schema (version) VALUES (${i + 1});\nEND IF;`,
  )
  return `DO $migrate$
DECLARE known integer;
BEGIN
  PERFORM pg_advisory_xact_lock(${MIGRATION_LOCK});
  CREATE TABLE IF NOT EXISTS callweave_schema (version integer PRIMARY KEY, migrated_at timestamptz NOT NULL DEFAULT now());
  SELECT coalesce(max(version), 0) INTO known FROM callweave_schema;
  IF known > ${SCHEMA_VERSION} THEN
    RAISE EXCEPTION 'schema version % is newer than ${SCHEMA_VERSION}', known USING ERRCODE = '${SCHEMA_TOO_NEW_STATE}';
  END IF;
${steps.join('\n')}
END $migrate$`
}
