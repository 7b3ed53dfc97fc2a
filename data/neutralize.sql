-- A copy of the database must neither send bills to the real ERP nor ask it anything.
UPDATE ap_sync_connection
   SET paused = true,
       paused_until = NULL,
       pause_reason = 'This is a copy of the database',
       url = 'https://neutralized.invalid',
       authority = 'https://neutralized.invalid',
       login = NULL
 WHERE connector != 'local';
DELETE FROM ap_sync_secret;
