"""Queries to the web UI's API that look for secrets: what its pages show, and more."""

REPOSITORY = '{repositoryName: "__repository__", repositoryLocationName: "pipelines"}'
ERROR = "... on PythonError { message stack causes { message stack } }"
ENTRIES = """metadataEntries { label description
    ... on TextMetadataEntry { text } ... on MarkdownMetadataEntry { mdStr }
    ... on UrlMetadataEntry { url } ... on PathMetadataEntry { path }
    ... on JsonMetadataEntry { jsonString } ... on TableMetadataEntry { table { records } } }"""
EVENT = f"""__typename ... on MessageEvent {{ message stepKey level }}
    ... on ErrorEvent {{ error {{ message stack causes {{ message stack }} }} }}
    ... on ExecutionStepFailureEvent {{ failureMetadata {{ description {ENTRIES} }} }}
    ... on LogsCapturedEvent {{ stepKeys fileKey logKey externalUrl }}
    ... on MaterializationEvent {{ {ENTRIES} }}
    ... on ObservationEvent {{ {ENTRIES} }}
    ... on AssetCheckEvaluationEvent {{ evaluation {{ {ENTRIES} }} }}"""
QUESTIONS = {
    "instance": """{ version instance { info executablePath runLauncher { name }
        runQueueConfig { tagConcurrencyLimitsYaml } concurrencyLimits { concurrencyKey }
        daemonHealth { allDaemonStatuses { daemonType healthy
            lastHeartbeatErrors { message stack } } } } }""",
    "resources": f"""{{ allTopLevelResourceDetailsOrError(repositorySelector: {REPOSITORY}) {{
        ... on ResourceDetailsList {{ results {{ name description resourceType
            configFields {{ name description defaultValueAsJson configType {{ key }} }}
            configuredValues {{ key value type }}
            nestedResources {{ name resource {{
                configuredValues {{ key value }} }} }} }} }} }} }}""",
    "assets": f"""{{ assetNodes {{ assetKey {{ path }} description opVersion {ENTRIES}
        configField {{ defaultValueAsJson }} tags {{ key value }}
        assetMaterializations {{ {ENTRIES} tags {{ key value }} }}
        assetObservations {{ {ENTRIES} }}
        assetChecksOrError {{ ... on AssetChecks {{ checks {{ name description
            executionForLatestMaterialization {{ evaluation {{ {ENTRIES} }} }} }} }} }} }} }}""",
    "sensors": f"""{{ sensorsOrError(repositorySelector: {REPOSITORY}) {{ ... on Sensors {{
        results {{ name description {ENTRIES} sensorState {{ ticks(limit: 20) {{
            status skipReason cursor runKeys logKey error {{ message stack }}
            logEvents {{ events {{ message }} }} }} }} }} }} }} }}""",
    "runs": """{ runsOrError { ... on Runs { results { id runConfigYaml runConfig
        tags { key value } executionPlan { steps { key } } } } } }""",
}
EVENTS = f"""query($id: ID!) {{ logsForRun(runId: $id) {{ __typename
    ... on EventConnection {{ events {{ {EVENT} }} }} {ERROR} }} }}"""
COMPUTE_LOGS = """query($id: ID!, $key: String!) { runOrError(runId: $id) { ... on Run {
    capturedLogs(fileKey: $key) { stdout stderr } } } }"""
