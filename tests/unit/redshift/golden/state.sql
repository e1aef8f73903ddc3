CREATE SCHEMA "s";
CREATE TABLE "s"."_vesto_state_1a2b3c4d" ("stream" VARCHAR(600) COLLATE CASE_SENSITIVE NOT NULL, "load_id" VARCHAR(26) NOT NULL, "writer" VARCHAR(64) NOT NULL, "schema_version" INTEGER NOT NULL, "position" VARCHAR(4096) NOT NULL, "changed_at" TIMESTAMP NOT NULL) DISTSTYLE EVEN;
INSERT INTO "s"."_vesto_state_1a2b3c4d" VALUES ('*', '0', 'inst', 1, '{"sync":"shop''s","source":"7/x\\\\y"}', '2026-11-22 00:00:00.123');
SELECT "stream", "load_id", "schema_version", "position" FROM "s"."_vesto_state_1a2b3c4d";
SELECT "load_id" FROM "s"."_vesto_state_1a2b3c4d" WHERE "stream" = '*';
LOCK TABLE "s"."_vesto_state_1a2b3c4d";
UPDATE "s"."_vesto_state_1a2b3c4d" SET "load_id" = '01J', "writer" = 'inst', "changed_at" = '2026-11-22 00:00:00.123' WHERE "stream" = '*' AND "load_id" = '0';
DELETE FROM "s"."_vesto_state_1a2b3c4d" WHERE "stream" IN ('public.a', 'public.it''s');
INSERT INTO "s"."_vesto_state_1a2b3c4d" VALUES ('public.a', '01J', 'inst', 1, '5', '2026-11-22 00:00:00.123'), ('public.it''s', '01J', 'inst', 2, 'a\\b''', '2026-11-22 00:00:00.123');
