-- A copy of the database must not send bills to the real ERP.
UPDATE ap_sync_connection
   SET paused = true,
       api_key = NULL,
       login = NULL
 WHERE connector != 'local';
