package main

import "time"

// component is what a container says. Containers are told apart by their name, which charts keep unique per component.
type component struct {
	start  []opening     // once, from the start of the run on
	every  time.Duration // how often tick goes on
	tick   []string      // in turn, while it runs
	done   []string      // when it ends well
	failed []string      // when it ends with an error
	oom    []string      // when the kernel kills it
}

type opening struct {
	after time.Duration
	text  string
}

// in spreads texts over the time a start takes.
func in(whole time.Duration, texts ...string) []opening {
	all := make([]opening, len(texts))
	for i, text := range texts {
		all[i] = opening{after: whole * time.Duration(i) / time.Duration(max(len(texts)-1, 1)), text: text}
	}
	return all
}

func componentOf(container string) *component {
	if c := components[container]; c != nil {
		return c
	}
	return &component{
		start:  in(200*time.Millisecond, "{zap} INFO starting in {pod}", "{zap} INFO ready"),
		every:  2 * time.Second,
		tick:   []string{"{zap} INFO heartbeat {n}"},
		done:   []string{"{zap} INFO finished"},
		failed: []string{"{zap} ERROR connection refused: giving up", "{zap} FATAL exit status 1"},
		oom:    []string{"{zap} INFO allocating buffers"},
	}
}

var components = map[string]*component{
	"dagster-webserver": {
		start: in(time.Second,
			"{python} - dagster - INFO - Using workspace file /opt/dagster/dagster_home/workspace.yaml",
			"{python} - dagster - INFO - Loading instance from /opt/dagster/dagster_home/dagster.yaml",
			"{python} - dagster.code_server - INFO - Started Dagster code server for module floe_platform.definitions",
			"{python} - dagster-webserver - INFO - Serving dagster-webserver on http://0.0.0.0:3000 in process 1"),
		every: 1500 * time.Millisecond,
		tick: []string{
			`INFO:     10.244.0.1:41822 - "GET /server_info HTTP/1.1" 200 OK`,
			`INFO:     10.244.0.7:55010 - "POST /graphql HTTP/1.1" 200 OK`,
			`INFO:     10.244.0.1:41830 - "GET /dagit_info HTTP/1.1" 200 OK`,
		},
		failed: []string{
			"Traceback (most recent call last):",
			`  File "/usr/local/lib/python3.12/site-packages/dagster_postgres/utils.py", line 131, in retry_pg_connection_fn`,
			"    return fn()",
			`  File "/usr/local/lib/python3.12/site-packages/dagster_webserver/cli.py", line 284, in host_dagster_ui_with_workspace_process_context`,
			"    instance.get_ref()",
			"dagster._core.errors.DagsterInvariantViolationError: could not connect to PostgreSQL at postgresql:5432: connection refused",
		},
		oom: []string{"{python} - dagster-webserver - INFO - Loading asset graph: 4182 assets"},
	},
	"dagster-daemon": {
		start: in(900*time.Millisecond,
			"{python} - dagster.daemon - INFO - Instance is configured with the following daemons: ['AssetDaemon', 'BackfillDaemon', 'QueuedRunCoordinatorDaemon', 'SchedulerDaemon', 'SensorDaemon']",
			"{python} - dagster.daemon.SchedulerDaemon - INFO - Checking for new runs for the following schedules: nightly_iceberg_maintenance",
			"{python} - dagster.daemon.SensorDaemon - INFO - Checking for new runs for the following sensors: polaris_table_sensor"),
		every: 2 * time.Second,
		tick: []string{
			"{python} - dagster.daemon.SensorDaemon - INFO - Sensor polaris_table_sensor skipped: no new snapshots",
			"{python} - dagster.daemon.QueuedRunCoordinatorDaemon - INFO - Polling for queued runs, 0 in progress",
			"{python} - dagster.daemon.AssetDaemon - INFO - Tick {n}: no assets to materialize",
		},
		failed: []string{
			"{python} - dagster.daemon - ERROR - Daemon threads have stopped: SchedulerDaemon",
			"Traceback (most recent call last):",
			`  File "/usr/local/lib/python3.12/site-packages/dagster/_daemon/controller.py", line 236, in check_daemon_threads`,
			"Exception: Stopping dagster-daemon process since the following threads are no longer running: ['SchedulerDaemon']",
		},
		oom: []string{"{python} - dagster.daemon.BackfillDaemon - INFO - Materializing 12000 partitions"},
	},
	"polaris": {
		start: in(1200*time.Millisecond,
			"{quarkus} INFO  [io.quarkus] (main) Apache Polaris Server (incubating) on JVM starting",
			"{quarkus} INFO  [org.apa.pol.per.rel.jdb.JdbcMetaStoreManagerFactory] (main) Using PostgreSQL for the metastore",
			"{quarkus} INFO  [io.quarkus] (main) Listening on: http://0.0.0.0:8181. Management interface listening on http://0.0.0.0:8182.",
			"{quarkus} INFO  [io.quarkus] (main) Profile prod activated."),
		every: 2 * time.Second,
		tick: []string{
			`{quarkus} INFO  [io.qua.htt.access-log] (executor-thread-1) 10.244.0.9 - root [{access}] "GET /api/catalog/v1/config HTTP/1.1" 200 312`,
			`{quarkus} INFO  [io.qua.htt.access-log] (executor-thread-3) 10.244.0.9 - root [{access}] "GET /api/catalog/v1/floe/namespaces HTTP/1.1" 200 {ms}`,
			`{quarkus} INFO  [org.apa.pol.ser.cat.ice.IcebergCatalogHandler] (executor-thread-2) loadTable floe.silver.orders in {ms} ms`,
		},
		failed: []string{
			"{quarkus} ERROR [io.qua.run.Application] (main) Failed to start application",
			"java.lang.RuntimeException: Failed to start quarkus",
			"\tat io.quarkus.runner.ApplicationImpl.doStart(Unknown Source)",
			`Caused by: org.postgresql.util.PSQLException: FATAL: password authentication failed for user "polaris"`,
		},
		oom: []string{"{quarkus} WARN  [org.apa.pol.ser.cac.EntityCache] (executor-thread-4) cache holds 100000 entries"},
	},
	"polaris-bootstrap": {
		start:  in(300*time.Millisecond, "{quarkus} INFO  [org.apa.pol.adm.BootstrapCommand] (main) Bootstrapping realm POLARIS"),
		done:   []string{"{quarkus} INFO  [org.apa.pol.adm.BootstrapCommand] (main) Realm 'POLARIS' successfully bootstrapped."},
		failed: []string{"{quarkus} ERROR [org.apa.pol.adm.BootstrapCommand] (main) Bootstrap encountered errors during operation: connection to postgresql:5432 refused"},
	},
	"postgresql": {
		start: in(800*time.Millisecond,
			"{postgres} [1] LOG:  starting PostgreSQL 16.10 on x86_64-pc-linux-gnu, compiled by gcc, 64-bit",
			`{postgres} [1] LOG:  listening on IPv4 address "0.0.0.0", port 5432`,
			`{postgres} [1] LOG:  listening on Unix socket "/var/run/postgresql/.s.PGSQL.5432"`,
			"{postgres} [29] LOG:  database system was shut down cleanly",
			"{postgres} [1] LOG:  database system is ready to accept connections"),
		every: 4 * time.Second,
		tick: []string{
			"{postgres} [27] LOG:  checkpoint starting: time",
			"{postgres} [27] LOG:  checkpoint complete: wrote {ms} buffers (0.1%); 0 WAL file(s) added, 0 removed, 0 recycled",
			"{postgres} [58] LOG:  connection authorized: user=dagster database=dagster application_name=dagster-daemon",
		},
		failed: []string{
			"{postgres} [1] FATAL:  database files are incompatible with server",
			"{postgres} [1] DETAIL:  The data directory was initialized by PostgreSQL version 15, which is not compatible with this version 16.10.",
		},
		oom: []string{"{postgres} [58] LOG:  temporary file: path \"base/pgsql_tmp/pgsql_tmp58.0\", size 1073741824"},
	},
	"otel-collector": {
		start: in(600*time.Millisecond,
			"{zap}\tinfo\tservice@v0.159.0/service.go:222\tStarting otelcol...\t{\"Version\": \"0.159.0\", \"NumCPU\": 2}",
			"{zap}\tinfo\tmemorylimiterprocessor/memorylimiter.go:77\tMemory limiter configured\t{\"limit_mib\": 400, \"spike_limit_mib\": 100, \"check_interval\": 1}",
			"{zap}\tinfo\totlpreceiver/otlp.go:179\tStarting GRPC server\t{\"endpoint\": \"{ip}:4317\"}",
			"{zap}\tinfo\totlpreceiver/otlp.go:242\tStarting HTTP server\t{\"endpoint\": \"{ip}:4318\"}",
			"{zap}\tinfo\tservice@v0.159.0/service.go:245\tEverything is ready. Begin running and processing data."),
		every: 2 * time.Second,
		tick: []string{
			"{zap}\tinfo\tTraces\t{\"otelcol.component.id\": \"debug\", \"resource spans\": 1, \"spans\": {ms}}",
			"{zap}\tinfo\tMetrics\t{\"otelcol.component.id\": \"debug\", \"resource metrics\": 1, \"metrics\": {ms}, \"data points\": 212}",
			"{zap}\tinfo\tLogs\t{\"otelcol.component.id\": \"debug\", \"resource logs\": 1, \"log records\": {ms}}",
		},
		failed: []string{
			"Error: failed to get config: cannot unmarshal the configuration: decoding failed due to the following error(s):",
			"'exporters' unknown type: \"otlphttps\" for id: \"otlphttps\" (valid values: [debug otlp otlphttp])",
			"{zap}\tinfo\tcollector server run finished with error",
		},
		oom: []string{"{zap}\twarn\tmemorylimiterprocessor/memorylimiter.go:182\tMemory usage is above soft limit. Refusing data.\t{\"cur_mem_mib\": 498}"},
	},
	"db-migrate": {
		start: in(400*time.Millisecond,
			"{alembic} INFO  [alembic.runtime.migration] Context impl PostgresqlImpl.",
			"{alembic} INFO  [alembic.runtime.migration] Will assume transactional DDL."),
		every: 700 * time.Millisecond,
		tick: []string{
			"{alembic} INFO  [alembic.runtime.migration] Running upgrade step {n}: add run tags index",
			"{alembic} INFO  [alembic.runtime.migration] Running upgrade step {n}: add asset check executions",
			"{alembic} INFO  [alembic.runtime.migration] Running upgrade step {n}: widen event log id to bigint",
			"{alembic} INFO  [alembic.runtime.migration] Running upgrade step {n}: backfill partition keys",
		},
		done: []string{"{alembic} INFO  [floe.migrate] Migrations finished, database is at head"},
		failed: []string{
			`sqlalchemy.exc.ProgrammingError: (psycopg2.errors.DuplicateColumn) column "partition_key" of relation "event_logs" already exists`,
			"{alembic} ERROR [floe.migrate] Migration failed, the database was left unchanged",
		},
	},
	"retention": {
		start:  in(300*time.Millisecond, "{zap} INFO retention: removing runs that are over", "{zap} INFO retention: 148 runs to look at"),
		every:  500 * time.Millisecond,
		tick:   []string{"{zap} INFO retention: removed run batch {n} ({ms} runs)"},
		done:   []string{"{zap} INFO retention: finished"},
		failed: []string{"{zap} ERROR retention: GraphQL request to dagster-webserver failed: connection refused"},
	},
	"test-dagster": {
		start:  in(300*time.Millisecond, "test_server_info ... ok", "test_code_location_loaded ... ok"),
		done:   []string{"test_daemons_healthy ... ok", "", "Ran 3 tests", "OK"},
		failed: []string{"test_daemons_healthy ... FAIL", "AssertionError: daemon SCHEDULER reported no heartbeat for 300 s", "", "Ran 3 tests", "FAILED (failures=1)"},
	},
	"test-polaris": {
		start:  in(300*time.Millisecond, "test_health ... ok", "test_oauth_token ... ok"),
		done:   []string{"test_catalog_config ... ok", "", "Ran 3 tests", "OK"},
		failed: []string{"test_catalog_config ... FAIL", "AssertionError: 401 Unauthorized", "", "Ran 3 tests", "FAILED (failures=1)"},
	},
}
